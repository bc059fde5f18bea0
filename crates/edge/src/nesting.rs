//! How deep does a JSON text nest? Counted over the bytes, before anything recurses into them.

/// The deepest nesting that a body may have.
pub(crate) const LIMIT: usize = 64;

/// Whether the text nests deeper than [`LIMIT`]. Brackets inside strings do not count; the text need not be JSON.
pub(crate) fn too_deep(text: &[u8]) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in text {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > LIMIT {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_four_is_allowed_and_sixty_five_is_not() {
        assert!(!too_deep(format!("{}{}", "[".repeat(64), "]".repeat(64)).as_bytes()));
        assert!(too_deep(format!("{}{}", "[".repeat(65), "]".repeat(65)).as_bytes()));
        assert!(!too_deep(format!(r#"["{}\"{}"]"#, "[".repeat(100), "{".repeat(100)).as_bytes()));
    }
}

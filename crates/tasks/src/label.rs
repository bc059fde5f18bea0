//! Which words does a tenant sort its tasks by?

/// The most labels of a task.
pub const MOST_LABELS: usize = 20;
/// The longest label, in characters.
pub const LONGEST_LABEL: usize = 50;

/// The labels without blanks around them, each once, in their order.
///
/// # Errors
/// What is wrong: of one of them (with its place), or of all.
pub(crate) fn check(labels: Vec<String>) -> Result<Vec<String>, (String, String)> {
    if labels.len() > MOST_LABELS {
        return Err(("labels".to_owned(), format!("must be at most {MOST_LABELS}")));
    }
    let mut checked: Vec<String> = Vec::with_capacity(labels.len());
    for (place, label) in labels.iter().enumerate() {
        let label = label.trim();
        if label.is_empty() || label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
            let fault = format!("must be 1 to {LONGEST_LABEL} characters, without line breaks");
            return Err((format!("labels[{place}]"), fault));
        }
        if !checked.iter().any(|known| known == label) {
            checked.push(label.to_owned());
        }
    }
    Ok(checked)
}

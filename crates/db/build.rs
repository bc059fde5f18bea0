//! Which migrations are there? Every `migrations/NNNN_name.sql`, in order, becomes an entry of `MIGRATIONS`.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let folder = Path::new(&root).join("../../migrations").canonicalize()?;
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files: Vec<_> = fs::read_dir(&folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .collect();
    files.sort();
    let mut code = String::from("&[\n");
    for (place, path) in files.iter().enumerate() {
        println!("cargo:rerun-if-changed={}", path.display());
        let stem =
            path.file_stem().and_then(|stem| stem.to_str()).ok_or("a migration's name is not UTF-8")?;
        let (number, name) = stem.split_once('_').ok_or("a migration is called NNNN_name.sql")?;
        let number: usize = number.parse()?;
        if number != place + 1 {
            return Err(
                format!("migrations are numbered without gaps: {stem} is in place {}", place + 1).into()
            );
        }
        writeln!(
            code,
            "    Migration {{ number: {number}, name: {name:?}, sql: include_str!({:?}) }},",
            path.display().to_string()
        )?;
    }
    code.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("migrations.rs"), code)?;
    Ok(())
}

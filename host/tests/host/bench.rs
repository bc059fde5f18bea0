//! What one statement costs. Not a test of speed: `cargo test --release -- --ignored --nocapture statement`.

use crate::world::{World, manifest};

#[test]
#[ignore = "prints a figure for people"]
fn statement() {
    let world = World::start("statement", &manifest("[]", ""), &["--state", "state", "--quiet"]);
    println!("SELECT 1, seen from the component: {}", world.get("/select?10000").body);
}

//! How fast is it, and what does it lose?
fn main() {}

//! Adds to the engine what it lacks; see `src/alternate_stack.c`.

fn main() {
    #[cfg(feature = "engine")]
    engine();
}

#[cfg(feature = "engine")]
fn engine() {
    const SOURCE: &str = "src/alternate_stack.c";
    println!("cargo::rerun-if-changed={SOURCE}");
    // As an object, since nobody calls it and a library would leave it out.
    for object in cc::Build::new().file(SOURCE).warnings_into_errors(true).compile_intermediates() {
        println!("cargo::rustc-link-arg-bins={}", object.display());
    }
}

//! Build script: migrations, templates and assets are embedded, so their folders trigger a rebuild.

fn main() {
    for folder in ["migrations", "src/catalog/migrations", "src/render/templates", "src/render/assets"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}

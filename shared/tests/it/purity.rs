//! The engine knows no cloud, no network and no runtime.

use std::process::Command;

#[test]
fn the_engine_depends_on_nothing_that_does_io() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "sync", "--edges", "normal", "--prefix", "none", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && tree.contains("quickbooks-wire"), "{output:?}");
    let impure: Vec<&str> = tree
        .lines()
        .filter(|line| {
            let name = line.split(' ').next().unwrap_or_default();
            ["aws-", "lambda_", "hyper", "reqwest", "tokio", "axum"]
                .iter()
                .any(|banned| name.starts_with(banned))
        })
        .collect();
    assert!(impure.is_empty(), "{impure:?}");
}

//! The outputs that README.md shows are real.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests fail by panicking"
)]

use std::process::Command;

/// Runs `cargo run --quiet -- ARGS` as the binary that the tests were built with.
fn output_of(command: &str) -> String {
    let args = command
        .strip_prefix("cargo run --quiet -- ")
        .unwrap_or_else(|| panic!("cannot run `{command}`"));
    let output = Command::new(env!("CARGO_BIN_EXE_vpclint"))
        .args(args.split_whitespace())
        .env_clear()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert_ne!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// True when the shown lines occur in this order; `…` stands for any lines.
fn assert_shows(command: &str, shown: &[&str], actual: &str) {
    let lines: Vec<&str> = actual.lines().map(str::trim_end).collect();
    let mut at = 0;
    let mut skip = false;
    for wanted in shown {
        if *wanted == "…" {
            skip = true;
            continue;
        }
        let found = lines[at..].iter().position(|line| line == wanted);
        match found {
            Some(offset) if skip || offset == 0 => at += offset + 1,
            _ => panic!("`{command}` does not show at line {at}:\n{wanted}\n\nit shows:\n{actual}"),
        }
        skip = false;
    }
    assert!(skip || at == lines.len(), "`{command}` shows more:\n{actual}");
}

#[test]
fn console_blocks_are_real() {
    let readme = include_str!("../README.md");
    let mut checked = 0;
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let (command, shown) = block.split_once('\n').unwrap();
        let command = command.strip_prefix("$ ").unwrap();
        let shown: Vec<&str> = shown.lines().collect();
        assert_shows(command, &shown, &output_of(command));
        checked += 1;
    }
    assert!(checked >= 2, "README shows the main job");
}

#[test]
fn the_test_command_is_the_gate() {
    let readme = include_str!("../README.md");
    let gate = include_str!("../.ci/run");
    assert!(readme.lines().any(|line| line.starts_with("cargo test")));
    assert!(gate.contains("README.md"), "the gate takes the command from the README");
}

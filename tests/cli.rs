//! The program as a user sees it: arguments in; standard output, standard error and exit code out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests fail by panicking"
)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A run of the program in an empty directory, without the colour settings of whoever tests.
struct Run {
    dir: TempDir,
    stdin: Option<String>,
    env: Vec<(&'static str, &'static str)>,
}

/// What a run printed, with the directory's path cut off, and its exit code.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), stdin: None, env: Vec::new() }
    }

    fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        std::fs::write(self.dir.path().join(name), text).unwrap();
        self
    }

    fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vpclint"));
        command.args(args).current_dir(self.dir.path());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "CI", "TERM"] {
            command.env_remove(name);
        }
        command.envs(self.env.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut child = self.command(args).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        if let Some(text) = &self.stdin {
            // the program may end without reading it
            let _ = stdin.write_all(text.as_bytes());
        }
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| {
            let dir = self.dir.path().to_str().unwrap();
            String::from_utf8(bytes).expect("output is UTF-8").replace(dir, "@dir@")
        };
        Ran {
            code: output.status.code().expect("ends by itself"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Ran {
    #[track_caller]
    fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out:\n{}\nerr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

/// A listing of DNAT entries of which the last publishes SSH (rule EXP003, a warning).
fn dnat(name: &str, before: usize, indent: bool) -> String {
    let entry = |n: usize, name: &str, external: usize, internal: u16| {
        serde_json::json!({
            "ForwardEntryId": format!("fwd-{n}"), "ForwardEntryName": name,
            "ForwardTableId": "ftb-1", "NatGatewayId": "ngw-1", "ExternalIp": "203.0.113.11",
            "ExternalPort": external.to_string(), "InternalIp": "10.0.0.9",
            "InternalPort": internal.to_string(), "IpProtocol": "tcp", "Status": "Available",
        })
    };
    let mut entries: Vec<Value> = (0..before).map(|n| entry(n, "网站", 20_000 + n, 8443)).collect();
    entries.push(entry(before, name, 2222, 22));
    let body = serde_json::json!({
        "RequestId": "00000000-0000-0000-0000-000000000000",
        "PageNumber": 1, "PageSize": 50, "TotalCount": entries.len(),
        "ForwardTableEntries": { "ForwardTableEntry": entries },
    });
    if indent { serde_json::to_string_pretty(&body).unwrap() } else { body.to_string() }
}

const DNAT: &str = "vpc.DescribeForwardTableEntries@NatGatewayId=ngw-1.json";

fn with_finding() -> Run {
    Run::new().file(DNAT, dnat("堡垒机", 0, true))
}

fn sample(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).display().to_string()
}

fn validate(kind: &str, document: &Value) {
    let schema = Run::new().run(&["schema", kind]).code(0).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(document).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{kind}: {errors:?}");
}

#[test]
fn every_command_has_help() {
    let run = Run::new();
    for command in
        ["check", "egress", "trace", "inspect", "rules", "explain", "schema", "export-commands"]
    {
        let ran = run.run(&[command, "--help"]).code(0);
        assert!(ran.out.contains(&format!("Usage: vpclint {command}")), "{}", ran.out);
    }
    let ran = run.run(&["--help"]).code(0);
    assert!(ran.out.contains("Exit codes"), "{}", ran.out);
    assert!(run.run(&["--version"]).code(0).out.starts_with("vpclint "));
}

#[test]
fn the_exit_code_of_check_follows_the_limit() {
    let run = with_finding();
    run.run(&["check", "."]).code(0);
    run.run(&["check", ".", "--fail-on", "error"]).code(0);
    run.run(&["check", ".", "--fail-on", "warning"]).code(1);
    run.run(&["check", ".", "--fail-on", "note"]).code(1);
    run.run(&["check", ".", "--fail-on", "warning", "--ignore", "EXP*"]).code(0);
    run.run(&["check", ".", "--fail-on", "warning", "--select", "NAT*"]).code(0);
    run.run(&["check", ".", "--fail-on", "warning", "--select", "dnat-exposes-risky-port"]).code(1);
}

#[test]
fn what_cannot_be_done_is_exit_code_2_with_a_reason() {
    let run = with_finding();
    for (args, says) in [
        (&["check"][..], "INPUT"),
        (&["check", ".", "--nonsense"], "--nonsense"),
        (&["check", "gone.json"], "error: no such file or directory\n  --> gone.json\n"),
        (&["check", ".", "--select", "EXP03"], "  help: did you mean `EXP003`?\n"),
        (&["check", ".", "--ignore", "ZZZ*"], "error: there is no rule `ZZZ*`\n"),
        (&["check", ".", "--output", "xml"], "there is no format `xml`"),
        (&["egress", ".", "--output", "concise"], "error: this command has no format `concise`\n"),
        (&["check", ".", "--output", "json", "--output", "text"], "two results"),
        (&["check", ".", "--output", "json=no/such/dir/x"], "error: cannot write"),
        (&["egress", ".", "--to", "10.0.0.0/33"], "10.0.0.0/33"),
        (&["egress", ".", "--assume", "weather=fine"], "there is no knob `weather`"),
        (&["explain", "exp03"], "  help: did you mean `EXP003`?\n"),
        (&["schema", "nothing"], "nothing"),
        (&["export-commands"], "--region"),
        (&["inspect", "-", "-"], "error: "),
    ] {
        let ran = run.run(args).code(2);
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
        assert!(ran.out.is_empty(), "{args:?}: {}", ran.out);
    }
}

#[test]
fn all_broken_files_are_named() {
    let run = with_finding()
        .file("a.json", "{\"Vpcs\": {\"Vpc\": [{\n\"VpcId\":")
        .file("b.json", [0xff, 0xfe, 0x00, 0xd8, 0x41])
        .file("c.json", "<html><body>login</body></html>");
    for command in ["check", "egress", "inspect"] {
        let ran = run.run(&[command, "."]).code(2);
        for name in ["a.json", "b.json", "c.json"] {
            assert!(ran.err.contains(&format!("  --> ./{name}")), "{command}: {}", ran.err);
        }
        assert!(ran.err.contains("  --> ./a.json:2:"), "{}", ran.err);
        // inspect tells what it can of the rest
        assert_eq!(ran.out.contains("not understood\n  ./a.json: "), command == "inspect");
        assert_eq!(ran.out.is_empty(), command != "inspect", "{}", ran.out);
    }
}

#[test]
fn check_in_every_format() {
    let run = with_finding();
    let text = run.run(&["check", "."]).code(0).out;
    for line in [
        "EXP003 dnat-exposes-risky-port\n",
        "  warning: DNAT entry fwd-0 (堡垒机) publishes 22 (SSH)",
        "\"InternalPort\": \"22\"",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("checked ") && last.contains("in 1 file: 1 warning"), "{last}");

    let concise = run.run(&["check", DNAT, "--output", "concise"]).code(0).out;
    let (place, message) = concise.trim_end().split_once(": warning[EXP003] ").unwrap();
    assert!(place.starts_with(&format!("{DNAT}:")), "{concise}");
    assert!(message.starts_with("DNAT entry fwd-0 (堡垒机)"), "{concise}");

    let json = run.run(&["check", DNAT, "--output", "json"]).code(0).json();
    validate("check", &json);
    let location = &json["findings"][0]["locations"][0];
    assert_eq!(place, format!("{DNAT}:{}:{}", location["line"], location["column"]));
    assert_eq!(json["summary"]["warnings"], 1);

    let quiet = run.run(&["check", ".", "--quiet", "--select", "CIDR001"]).code(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
}

#[test]
fn one_run_writes_several_formats() {
    let run = with_finding();
    let ran = run.run(&["check", ".", "--output", "json=out.json", "--output", "text"]).code(0);
    assert!(ran.out.contains("EXP003"));
    let written = std::fs::read_to_string(run.dir.path().join("out.json")).unwrap();
    validate("check", &serde_json::from_str(&written).unwrap());
    let ran = run.run(&["check", "-q", ".", "--output", "concise=out.txt"]).code(0);
    assert_eq!(ran.out, "");
}

#[test]
fn egress_and_inspect_in_every_format() {
    let run = Run::new();
    let input = sample("three-tier");
    for by in ["instance", "ip", "vpc", "group"] {
        let text = run.run(&["egress", &input, "--by", by]).code(0).out;
        if by != "ip" {
            assert!(text.contains("dropped (nacl_egress_denied)"), "{text}");
        }
        let last = text.lines().last().unwrap();
        assert_eq!(last, "8 sources: 5 with egress, 3 without, 0 unknown · 3 public IPs", "{by}");
    }
    let json = run.run(&["egress", &input, "--output", "json"]).code(0).json();
    validate("egress", &json);
    assert_eq!(json["sources"].as_array().unwrap().len(), 8);
    for extra in [&["--all-destinations"][..], &["--to", "8.8.8.8"], &["--to", "10.0.0.0/8"]] {
        let args = [&["egress", &input, "--output", "json"], extra].concat();
        validate("egress", &run.run(&args).code(0).json());
    }
    let one = run.run(&["egress", &input, "--to", "8.8.8.8", "--output", "json"]).code(0).json();
    assert_eq!(one["sources"][0]["classes"][0]["destinations"][0], "8.8.8.8/32");
    assert_eq!(one["sources"][0]["classes"].as_array().unwrap().len(), 1);

    let text = run.run(&["inspect", &input]).code(0).out;
    assert!(text.contains("vpc DescribeVpcs"), "{text}");
    let json = run.run(&["inspect", &input, "--output", "json"]).code(0).json();
    validate("inspect", &json);
    assert_eq!(json["vpcs"][0]["internet_mode"], "direct");
}

#[test]
fn sources_that_nobody_exported_are_not_taken_for_none() {
    let run = with_finding();
    let text = run.run(&["egress", "."]).code(0).out;
    assert!(
        text.contains(
            "there may be further sources: missing DescribeInstances (not in the input), \
             DescribeNetworkInterfaces (not in the input)"
        ),
        "{text}"
    );
    let json = run.run(&["egress", ".", "--output", "json"]).code(0).json();
    validate("egress", &json);
    assert_eq!(json["missing"].as_array().unwrap().len(), 2);
    let text = run.run(&["inspect", "."]).code(0).out;
    let line = "  DescribeNetworkInterfaces (not in the input): egress may have further sources";
    assert!(text.contains(line), "{text}");
    let json = Run::new().run(&["egress", &sample("three-tier"), "--output", "json"]).json();
    assert_eq!(json.get("missing"), None);
}

#[test]
fn what_needs_no_input() {
    let run = Run::new();
    let text = run.run(&["rules"]).code(0).out;
    assert!(text.contains("\nEXP003   dnat-exposes-risky-port "), "{text}");
    validate("rules", &run.run(&["rules", "--output", "json"]).code(0).json());
    let page = run.run(&["explain", "dnat-exposes-risky-port"]).code(0).out;
    assert_eq!(page, run.run(&["explain", "exp003"]).code(0).out);
    assert!(page.starts_with("# "), "{page}");
    assert_eq!(run.run(&["schema", "topology"]).code(0).json()["type"], "object");
    let script = run.run(&["export-commands", "--region", "cn-hangzhou"]).code(0).out;
    assert!(script.starts_with("#!"), "{script}");
    run.run(&["export-commands", "--region", "cn-hangzhou", "--vpc", "vpc-1"]).code(0);
    run.run(&["export-commands", "--ram-policy"]).code(0).json();
}

#[test]
fn standard_input_is_an_input() {
    let run = Run::new().stdin(&dnat("x", 0, true));
    let args = ["check", "-", "--output", "concise"];
    let ran = run.run(&args).code(0);
    assert!(ran.out.starts_with("-:"), "{}", ran.out);
}

#[test]
fn hostile_names_never_reach_the_terminal() {
    let name = "a\u{1b}[31mred\u{202e}desrever\u{7}\nerror[FAKE] \u{9b}2J\u{2066}\u{200b}";
    let run = Run::new().file(DNAT, dnat(name, 0, true)).file(
        "raw.json",
        // the same characters unescaped, where JSON allows them
        dnat("plain", 0, true)
            .replace("plain", "\u{202e}\u{9b}\u{7f}")
            .replace("fwd-0", "fwd-9")
            .replace("2222", "3333"),
    );
    for args in [
        &["check", "."][..],
        &["check", ".", "--output", "concise"],
        &["check", ".", "--output", "json"],
        &["egress", "."],
        &["egress", ".", "--output", "json"],
        &["inspect", ".", "-v"],
        &["inspect", ".", "--output", "json"],
    ] {
        let ran = run.run(args).code(0);
        for text in [&ran.out, &ran.err] {
            let raw = text.chars().find(|c| {
                (c.is_control() && *c != '\n')
                    || matches!(c, '\u{202e}' | '\u{2066}' | '\u{200b}' | '\u{9b}')
            });
            assert_eq!(raw, None, "{args:?}: {text}");
            assert!(!text.lines().any(|line| line.starts_with("error[FAKE]")), "{text}");
        }
    }
    let ran = run.run(&["check", "no\u{1b}[31m.json"]).code(2);
    assert!(!ran.err.contains('\u{1b}'), "{}", ran.err);
}

#[test]
fn a_place_at_the_end_of_one_long_line_is_shown() {
    let run = Run::new().file(DNAT, dnat("bastion", 900, false));
    assert!(std::fs::metadata(run.dir.path().join(DNAT)).unwrap().len() > 200_000);
    let text = run.run(&["check", ".", "--select", "EXP003"]).code(0).out;
    assert!(text.contains("\"InternalPort\":\"22\""), "{text}");
    let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest < 300, "{longest}");
}

#[test]
fn two_runs_give_the_same_bytes() {
    let input = sample("three-tier");
    for args in [
        &["check", &input][..],
        &["check", &input, "--output", "json"],
        &["egress", &input, "--output", "json"],
        &["egress", &input, "--by", "group"],
        &["inspect", &input, "-v"],
        &["inspect", &input, "--output", "json"],
    ] {
        let one = Run::new().env("RAYON_NUM_THREADS", "1").run(args);
        let many = Run::new().env("RAYON_NUM_THREADS", "8").run(args);
        assert_eq!((one.code, one.out, one.err), (many.code, many.out, many.err), "{args:?}");
    }
}

#[test]
fn colours_only_when_asked_for() {
    let args = ["check", "."];
    assert!(!with_finding().run(&args).out.contains('\u{1b}'));
    assert!(with_finding().run(&["check", ".", "--color", "always"]).out.contains('\u{1b}'));
    assert!(with_finding().env("CLICOLOR_FORCE", "1").run(&args).out.contains('\u{1b}'));
    let never = with_finding().env("CLICOLOR_FORCE", "1").run(&["check", ".", "--color", "never"]);
    assert!(!never.out.contains('\u{1b}'));
    let both = with_finding().env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").run(&args);
    assert!(!both.out.contains('\u{1b}'));
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let run = Run::new().file(DNAT, dnat("bastion", 900, false));
    let mut child = run.command(&["egress", &sample("three-tier")]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

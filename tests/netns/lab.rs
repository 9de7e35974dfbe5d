//! Network namespaces: made, wired and set up with `ip` and `nft`, and gone at the end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// All namespaces of this test begin with this and the number of the process that made them.
const PREFIX: &str = "vpclint";

/// What one namespace is to be told.
#[derive(Debug, Clone, Default)]
pub struct Space {
    /// Lines for `ip -batch`.
    pub ip: Vec<String>,
    /// Text for `nft -f`.
    pub nft: String,
}

/// An end of a cable: the namespace and the device in it.
pub type Plug = (String, String);

/// Namespaces and the cables between them.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    pub spaces: BTreeMap<String, Space>,
    pub cables: Vec<(Plug, Plug)>,
}

impl Plan {
    pub fn space(&mut self, name: &str) -> &mut Space {
        self.spaces.entry(name.to_owned()).or_default()
    }

    /// A line for `ip` in a namespace.
    pub fn ip(&mut self, space: &str, line: impl Into<String>) {
        self.space(space).ip.push(line.into());
    }

    /// A fault: of all that one namespace is told, the only place with these words gets other ones.
    pub fn replace(&mut self, space: &str, words: &str, by: &str) {
        let Space { ip, nft } = self.space(space);
        let found = ip.iter().map(|line| line.matches(words).count()).sum::<usize>();
        assert_eq!(found + nft.matches(words).count(), 1, "`{words}` once in {ip:#?} {nft}");
        ip.iter_mut().for_each(|line| *line = line.replace(words, by));
        *nft = nft.replace(words, by);
    }
}

/// Namespaces that exist. Dropping them takes them away, also when a test fails.
pub struct Lab {
    tag: String,
    spaces: Vec<String>,
}

impl Lab {
    pub fn build(plan: &Plan) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let tag = format!("{PREFIX}-{}-{n}", std::process::id());
        let lab = Self { tag, spaces: plan.spaces.keys().cloned().collect() };
        let mut batch = String::new();
        for space in plan.spaces.keys() {
            writeln!(batch, "netns add {}", lab.name(space)).unwrap();
        }
        for ((a, device_a), (b, device_b)) in &plan.cables {
            let (a, b) = (lab.name(a), lab.name(b));
            writeln!(
                batch,
                "link add name {device_a} netns {a} type veth peer name {device_b} netns {b}"
            )
            .unwrap();
        }
        run(&["ip", "-batch", "-"], &batch).unwrap();
        for (name, space) in &plan.spaces {
            let told = run(&["ip", "netns", "exec", &lab.name(name), "sh", "-s"], &script(space));
            told.unwrap_or_else(|error| panic!("{name}: {error}\n{space:#?}"));
        }
        lab
    }

    /// The name of a namespace of the plan as the system knows it.
    pub fn name(&self, space: &str) -> String {
        format!("{}-{space}", self.tag)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        remove(self.spaces.iter().map(|space| self.name(space)));
    }
}

/// Every namespace forwards and takes packets from anywhere; what must not be is said by routes and
/// filters alone.
fn script(space: &Space) -> String {
    let mut ip = String::from("link set lo up\n");
    for line in &space.ip {
        ip.push_str(line);
        ip.push('\n');
    }
    format!(
        "set -e\n\
         for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done\n\
         for f in /proc/sys/net/ipv4/conf/*/send_redirects; do echo 0 > $f; done\n\
         echo 1 > /proc/sys/net/ipv4/ip_forward\n\
         ip -batch - <<'END'\n{ip}END\n\
         nft -f - <<'END'\n{}\nEND\n",
        space.nft
    )
}

fn remove(names: impl Iterator<Item = String>) {
    let batch: String = names.map(|name| format!("netns del {name}\n")).collect();
    // what is not there any more need not be removed
    let _ = run(&["ip", "-force", "-batch", "-"], &batch);
}

/// Runs a command with a text as its input.
fn run(command: &[&str], input: &str) -> Result<String, String> {
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", command[0]))?;
    // a command that ends early says why; that it did not read its input is no news
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// Why no namespaces can be made here; `None` when they can.
pub fn missing() -> Option<&'static str> {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    MISSING.get_or_init(look).as_deref()
}

fn look() -> Option<String> {
    if std::env::var_os("VPCLINT_NETNS").is_some_and(|value| value == "0") {
        return Some("switched off by VPCLINT_NETNS=0".to_owned());
    }
    for tool in ["ip", "nft"] {
        if let Err(error) = run(&[tool, "-V"], "") {
            return Some(format!("`{tool}` does not run ({error})"));
        }
    }
    remove_stale();
    let name = format!("{PREFIX}-{}-try", std::process::id());
    let tried = try_all(&name);
    remove(std::iter::once(name));
    tried.err().map(|error| {
        let error = error.lines().next().unwrap_or("no reason given").to_owned();
        format!("no network namespaces with nftables here, are you root? ({error})")
    })
}

/// Everything that the topologies need, once.
fn try_all(name: &str) -> Result<(), String> {
    let batch = format!(
        "netns add {name}\nlink add name a0 netns {name} type veth peer name a1 netns {name}\n"
    );
    run(&["ip", "-batch", "-"], &batch)?;
    let space = Space {
        ip: vec!["rule add iif a0 priority 10 lookup 100".to_owned()],
        nft: "table ip t {\n\
              chain f { type filter hook forward priority 0; ct state established accept; }\n\
              chain d { type nat hook prerouting priority -100; tcp dport 1 dnat to 10.0.0.1:2; }\n\
              chain s { type nat hook postrouting priority 100; snat to 10.0.0.2; }\n}"
            .to_owned(),
    };
    run(&["ip", "netns", "exec", name, "sh", "-s"], &script(&space)).map(drop)
}

/// What a test left behind that was killed.
fn remove_stale() {
    let listed = run(&["ip", "netns", "list"], "").unwrap_or_default();
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    let stale = names.filter(|name| {
        let mut parts = name.split('-');
        let ours = parts.next() == Some(PREFIX);
        let maker: Option<u32> = parts.next().and_then(|pid| pid.parse().ok());
        ours && maker.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
    });
    remove(stale.map(str::to_owned));
}

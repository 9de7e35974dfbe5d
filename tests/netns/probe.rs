//! Real packets: this program again, once in each namespace of a host, as client and server.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::lab::Lab;

/// Set for the program when it is to be an agent.
pub const ROLE: &str = "VPCLINT_NETNS_AGENT";

/// Transport protocol of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    fn of(name: &str) -> Self {
        if name == "tcp" { Self::Tcp } else { Self::Udp }
    }
}

/// A connection (TCP) or a question and its answer (UDP) to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    pub transport: Transport,
    pub src: Ipv4Addr,
    pub client_port: u16,
    pub dst: Ipv4Addr,
    pub port: u16,
}

/// What a server saw of a probe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Whose server.
    pub host: String,
    /// Address of the client as the server saw it.
    pub client: Ipv4Addr,
    /// Port at which the request came.
    pub port: u16,
}

/// What became of a probe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Servers that got the request. Of TCP that is known of whole connections only.
    pub arrived: BTreeSet<Seen>,
    /// The answer that came back.
    pub answer: Option<Seen>,
}

// ---- in the test ---------------------------------------------------------------------------

/// A process in the namespace of a host.
struct Agent {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Agent {
    fn start(lab: &Lab, host: &str) -> Self {
        let mut child = Command::new("ip")
            .args(["netns", "exec", &lab.name(host)])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "agent", "--ignored", "--nocapture", "--test-threads=1"])
            .env(ROLE, host)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }

    /// Lines up to the end of an answer.
    fn hear(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let n = self.output.read_line(&mut line).unwrap();
            assert!(n > 0, "an agent ended early after {lines:?}");
            match line.trim_end().strip_prefix('@') {
                Some("end") => return lines,
                Some(line) => lines.push(line.to_owned()),
                None => {}
            }
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // the end of its input ends the agent
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The hosts of a lab, listening.
pub struct Agents(BTreeMap<String, Agent>);

impl Agents {
    /// Starts a process for every host; each listens at all its addresses.
    pub fn start(
        lab: &Lab,
        hosts: &BTreeMap<String, Vec<Ipv4Addr>>,
        services: &BTreeSet<(Transport, u16)>,
    ) -> Self {
        let mut agents: BTreeMap<String, Agent> =
            hosts.keys().map(|host| (host.clone(), Agent::start(lab, host))).collect();
        for (host, agent) in &mut agents {
            for address in &hosts[host] {
                for (transport, port) in services {
                    agent.tell(&format!("listen {} {address} {port}", transport.name()));
                }
            }
            agent.tell("ready");
        }
        for agent in agents.values_mut() {
            agent.hear();
        }
        Self(agents)
    }

    /// Sends all probes, each from its host, and waits so long for each answer.
    pub fn run(&mut self, probes: &[(String, Probe)], patience: Duration) -> Vec<Outcome> {
        for (n, (host, probe)) in probes.iter().enumerate() {
            let Probe { transport, src, client_port, dst, port } = probe;
            let transport = transport.name();
            let agent = self.0.get_mut(host).unwrap();
            agent.tell(&format!("probe {n} {transport} {src} {client_port} {dst} {port}"));
        }
        for agent in self.0.values_mut() {
            agent.tell(&format!("go {}", patience.as_millis()));
        }
        let mut outcomes = vec![Outcome::default(); probes.len()];
        for agent in self.0.values_mut() {
            for (n, seen) in agent.hear().iter().map(|line| read_seen(line)) {
                outcomes[n].arrived.insert(seen.clone());
                outcomes[n].answer = Some(seen);
            }
        }
        for agent in self.0.values_mut() {
            agent.tell("arrivals");
            for (n, seen) in agent.hear().iter().map(|line| read_seen(line)) {
                outcomes[n].arrived.insert(seen);
            }
        }
        outcomes
    }
}

fn read_seen(line: &str) -> (usize, Seen) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [n, host, client, port] = words[..] else { panic!("not an answer: `{line}`") };
    let seen = Seen {
        host: host.to_owned(),
        client: client.parse().unwrap(),
        port: port.parse().unwrap(),
    };
    (n.parse().unwrap(), seen)
}

// ---- in a namespace ------------------------------------------------------------------------

/// Arrived UDP requests, as lines.
type Arrivals = Arc<Mutex<Vec<String>>>;

/// Does what the test says until it has nothing more to say.
pub fn agent(host: &str) {
    let arrivals = Arrivals::default();
    let mut jobs: Vec<(usize, Probe)> = Vec::new();
    // the harness has begun a line of its own
    say("\n");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["listen", transport, address, port] => {
                let at = SocketAddrV4::new(address.parse().unwrap(), port.parse().unwrap());
                listen(host, Transport::of(transport), at, &arrivals);
            }
            ["ready"] => say("@end\n"),
            ["probe", n, transport, src, client_port, dst, port] => {
                let probe = Probe {
                    transport: Transport::of(transport),
                    src: src.parse().unwrap(),
                    client_port: client_port.parse().unwrap(),
                    dst: dst.parse().unwrap(),
                    port: port.parse().unwrap(),
                };
                jobs.push((n.parse().unwrap(), probe));
            }
            ["go", patience] => {
                let patience = Duration::from_millis(patience.parse().unwrap());
                send(std::mem::take(&mut jobs), patience);
                say("@end\n");
            }
            ["arrivals"] => {
                let lines = std::mem::take(&mut *arrivals.lock().unwrap());
                say(&(lines.concat() + "@end\n"));
            }
            _ => panic!("not understood: `{line}`"),
        }
    }
}

/// Past the harness, which would keep what is printed.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).unwrap();
    out.flush().unwrap();
}

fn listen(host: &str, transport: Transport, at: SocketAddrV4, arrivals: &Arrivals) {
    let host = host.to_owned();
    match transport {
        Transport::Tcp => {
            let listener = TcpListener::bind(at).unwrap();
            thread::spawn(move || {
                for stream in listener.incoming() {
                    let Ok(mut stream) = stream else { continue };
                    let Ok(peer) = stream.peer_addr() else { continue };
                    let _ = writeln!(stream, "{host} {} {}", peer.ip(), at.port());
                }
            });
        }
        Transport::Udp => {
            let socket = UdpSocket::bind(at).unwrap();
            let arrivals = Arc::clone(arrivals);
            thread::spawn(move || {
                let mut buffer = [0; 200];
                while let Ok((size, peer)) = socket.recv_from(&mut buffer) {
                    let n = String::from_utf8_lossy(&buffer[..size]).into_owned();
                    let line = format!("@{n} {host} {} {}\n", peer.ip(), at.port());
                    let _ = socket.send_to(line.as_bytes(), peer);
                    arrivals.lock().unwrap().push(line);
                }
            });
        }
    }
}

/// Sends probes: those of UDP all at once, those of TCP one client port after the other.
fn send(jobs: Vec<(usize, Probe)>, patience: Duration) {
    let mut ports: BTreeMap<(Transport, u16), Vec<(usize, Probe)>> = BTreeMap::new();
    for job in jobs {
        ports.entry((job.1.transport, job.1.client_port)).or_default().push(job);
    }
    thread::scope(|scope| {
        for ((transport, client_port), jobs) in ports {
            match transport {
                Transport::Udp => {
                    scope.spawn(move || ask(client_port, &jobs, patience));
                }
                Transport::Tcp => connect_all(client_port, &jobs, patience),
            }
        }
    });
}

/// The kernel chooses the client port of a connection, so it gets a choice of one.
fn connect_all(client_port: u16, jobs: &[(usize, Probe)], patience: Duration) {
    let range = format!("{client_port} {client_port}");
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", range).unwrap();
    thread::scope(|scope| {
        for (n, probe) in jobs {
            scope.spawn(move || {
                if let Some(answer) = connect(probe, patience) {
                    say(&format!("@{n} {answer}\n"));
                }
            });
        }
    });
}

fn connect(probe: &Probe, patience: Duration) -> Option<String> {
    let to = SocketAddr::from((probe.dst, probe.port));
    let mut stream = TcpStream::connect_timeout(&to, patience).ok()?;
    let own = SocketAddr::from((probe.src, probe.client_port));
    assert_eq!(stream.local_addr().unwrap(), own, "an address or port that was not asked for");
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then(|| answer.trim_end().to_owned())
}

/// Asks from one port; an answer counts when it comes from where the question went.
fn ask(client_port: u16, jobs: &[(usize, Probe)], patience: Duration) {
    let mut sockets: BTreeMap<Ipv4Addr, Vec<&(usize, Probe)>> = BTreeMap::new();
    for job in jobs {
        sockets.entry(job.1.src).or_default().push(job);
    }
    for (src, jobs) in sockets {
        let socket = UdpSocket::bind((src, client_port)).unwrap();
        for (n, probe) in &jobs {
            // an error is what became of an earlier question
            let _ = socket.send_to(n.to_string().as_bytes(), (probe.dst, probe.port));
        }
        let end = Instant::now() + patience;
        let mut buffer = [0; 200];
        let mut open = jobs.len();
        while open > 0
            && let Some(left) = end.checked_duration_since(Instant::now()).filter(|d| !d.is_zero())
        {
            socket.set_read_timeout(Some(left)).unwrap();
            let Ok((size, from)) = socket.recv_from(&mut buffer) else { continue };
            let line = String::from_utf8_lossy(&buffer[..size]).into_owned();
            let n = line.trim_start_matches('@').split_whitespace().next();
            let asked = jobs.iter().find(|(asked, _)| n == Some(&asked.to_string()));
            if asked.is_some_and(|(_, p)| from == SocketAddr::from((p.dst, p.port))) {
                say(&line);
                open -= 1;
            }
        }
    }
}

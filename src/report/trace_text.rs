//! `trace` for people: the answer first, then what decided, hop by hop.

use std::io::{self, Write};

use super::clean::clean;
use super::inspect_text::common_directory;
use super::paint::Paint;
use super::plural;
use super::trace_view::{TraceContext, Traced, all_blockers, blocker_at, default_words, end_name};
use crate::analyze::trace::{Branch, Connection, From, Question, Replies, Return};
use crate::fabric::{ElementId, Header, OwnPublic};
use crate::simulate::{Action, Blocker, Hop, Path, Public};
use crate::topology::Text;

/// Width of the lines of lists.
const WIDTH: usize = 100;

/// Writes one or more traces.
pub fn write(
    out: &mut dyn Write,
    context: TraceContext<'_>,
    traces: &[Traced],
    paint: Paint,
) -> io::Result<()> {
    let directory = common_directory(context.places.values().map(|place| place.file.as_str()));
    for (n, traced) in traces.iter().enumerate() {
        if n > 0 {
            writeln!(out)?;
        }
        Page { context, paint, traced, directory }.write(out)?;
    }
    if !directory.is_empty() {
        writeln!(out, "\n{}", paint.dim(format_args!("files are in {}", clean(directory))))?;
    }
    if traces.len() > 1 {
        writeln!(out, "\n{}", paint.bold(summary(traces)))?;
    }
    Ok(())
}

/// Writes one line per trace.
pub fn write_concise(out: &mut dyn Write, traces: &[Traced]) -> io::Result<()> {
    for traced in traces {
        writeln!(out, "{}: {}", question(traced), answer(traced))?;
    }
    Ok(())
}

/// `3 traces: 1 works, 2 fail`.
pub fn summary(traces: &[Traced]) -> String {
    let count = |wanted| traces.iter().filter(|t| t.trace.connection == wanted).count();
    let parts = [
        (count(Connection::Works), "work"),
        (count(Connection::Partial), "partial"),
        (count(Connection::Fails), "fail"),
        (count(Connection::Unknown), "unknown"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| match (n, what) {
            (1, "work" | "fail") => format!("1 {what}s"),
            _ => format!("{n} {what}"),
        })
        .collect();
    format!("{}: {}", plural(traces.len(), "trace"), parts.join(", "))
}

/// `i-1 (web-1) 10.0.0.1 -> the Internet (8.8.8.8), tcp 443`.
fn question(traced: &Traced) -> String {
    let Question { to, protocol, dst_port, .. } = &traced.asked.question;
    let target = &traced.asked.to;
    let mut text = format!("{} -> {}", end_name(&traced.asked.from), end_name(target));
    if target.address.addr() != Some(to.address) {
        // a host is asked for under a public address
        text.push_str(&format!(" at {}", to.address));
    }
    if protocol.has_ports() {
        format!("{text}, {protocol} {dst_port}")
    } else {
        format!("{text}, {protocol}")
    }
}

/// `fails: sg_ingress_denied, the security groups of the target do not let it in`.
fn answer(traced: &Traced) -> String {
    let trace = &traced.trace;
    // a question that cannot even start says why in its notes
    let unasked = traced.asked.notes.first().filter(|_| trace.branches.is_empty());
    let there = trace.reason.map(|reason| match unasked {
        Some(note) => format!("{reason} — {}", clean(note)),
        None => format!("{reason} — {}", reason.says()),
    });
    let back = || trace.best().and_then(|branch| branch.back.as_ref());
    match trace.connection {
        Connection::Works => match trace.public_ips.as_slice() {
            [] => "works".to_owned(),
            ips => {
                let ips: Vec<String> = ips.iter().map(clean).collect();
                format!("works, leaves as {}", ips.join(" or "))
            }
        },
        Connection::Fails => {
            let reason = there.or_else(|| {
                let reason = back()?.reason?;
                Some(format!("the replies do not come back: {reason} — {}", reason.says()))
            });
            reason.map_or_else(|| "fails".to_owned(), |reason| format!("fails: {reason}"))
        }
        Connection::Partial => {
            let works = trace.branches.iter().filter(|b| b.connection == Connection::Works).count();
            match (trace.branches.len(), back().map(|back| &back.replies)) {
                (1, Some(Replies::Some(ports))) => {
                    format!("partial: replies come back to client ports {} only", ranges(ports))
                }
                (1, _) => "partial: it depends on the way that the replies take".to_owned(),
                (all, _) => format!("partial: {works} of {all} ways work"),
            }
        }
        Connection::Unknown => match trace.missing.as_slice() {
            [] => match trace.notes.first() {
                Some(note) => format!("unknown: depends on the guest — {}", clean(note)),
                None => "unknown".to_owned(),
            },
            [first, rest @ ..] => {
                let more = match rest.len() {
                    0 => String::new(),
                    n => format!(" and {n} more"),
                };
                format!("unknown: missing {}{more}", clean(first))
            }
        },
    }
}

/// `1024-2000,3000`.
pub(super) fn ranges(ports: &[(u16, u16)]) -> String {
    let texts: Vec<String> = ports
        .iter()
        .map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first}-{last}"),
        })
        .collect();
    texts.join(",")
}

struct Page<'a> {
    context: TraceContext<'a>,
    paint: Paint,
    traced: &'a Traced,
    /// What the names of all files begin with.
    directory: &'a str,
}

impl Page<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let trace = &self.traced.trace;
        let paint = self.paint;
        writeln!(out, "{}", paint.bold(question(self.traced)))?;
        let answer = answer(self.traced);
        writeln!(out, "{}", paint.verdict(trace.connection == Connection::Works, answer))?;
        self.ways(out)?;
        self.blockers(out)?;
        self.list(out, "missing", &trace.missing)?;
        self.list(out, "assumed", &trace.assumptions)?;
        let notes: Vec<Text> =
            self.traced.asked.notes.iter().chain(&trace.notes).cloned().collect();
        self.list(out, "notes", &notes)
    }

    /// The ways, what they have in common once.
    fn ways(&self, out: &mut dyn Write) -> io::Result<()> {
        let branches = &self.traced.trace.branches;
        let [first, rest @ ..] = branches.as_slice() else { return Ok(()) };
        if rest.is_empty() {
            self.there(out, first, 0)?;
            return self.back(out, first);
        }
        let common = first
            .forward
            .hops
            .iter()
            .enumerate()
            .take_while(|(n, hop)| rest.iter().all(|b| b.forward.hops.get(*n) == Some(*hop)))
            .count();
        if common > 0 {
            self.title(out, "every way begins with")?;
            let hops = first.forward.hops.get(..common).unwrap_or_default();
            self.hops(out, hops, &first.forward.blockers, 0, None)?;
        }
        for (n, branch) in branches.iter().enumerate() {
            let target = branch.target.as_ref().map(|target| {
                let end = socket(Some(target.address), target.port);
                format!(" to {} at {end}", self.context.text(target.element))
            });
            let title = format!(
                "way {} of {}{}: {}",
                n + 1,
                branches.len(),
                target.unwrap_or_default(),
                branch.connection
            );
            self.title(out, &title)?;
            self.there(out, branch, common)?;
            self.back(out, branch)?;
        }
        Ok(())
    }

    fn title(&self, out: &mut dyn Write, text: &str) -> io::Result<()> {
        writeln!(out, "\n{}", self.paint.bold(text))
    }

    /// The way there, from the hop `skip` on.
    fn there(&self, out: &mut dyn Write, branch: &Branch, skip: usize) -> io::Result<()> {
        if skip == 0 {
            self.title(out, "there")?;
        }
        let path = &branch.forward;
        let shown_before = path.hops.get(..skip).unwrap_or_default();
        let before = shown_before.last().map(|hop| hop.header);
        let number = self.telling(shown_before, &path.blockers).len();
        let rest = path.hops.get(skip..).unwrap_or_default();
        self.hops(out, rest, &path.blockers, number, before)?;
        self.end(out, path)
    }

    /// How a way ends.
    fn end(&self, out: &mut dyn Write, path: &Path) -> io::Result<()> {
        let last = path.hops.last().map(|hop| hop.header);
        if last.is_some_and(|last| !same_packet(&last, &path.header)) {
            self.packet(out, &path.header)?;
        }
        let place = path.outcome.at.map(|at| self.context.text(at));
        let host = path.host.and_then(|id| self.context.fabric.host(id));
        let host = host.map(|host| self.context.text(host.element));
        let ends = match (path.outcome.verdict.name(), place, host) {
            ("delivered" | "conditional", Some(at), _) => format!("arrives at {at}"),
            ("answered", Some(at), _) => format!("{at} answers"),
            ("exits", ..) => match &path.outcome.public {
                Public::Given(addresses) => {
                    let addresses: Vec<String> = addresses.iter().map(clean).collect();
                    format!("leaves to the Internet as {}", addresses.join(" or "))
                }
                _ => match self.own() {
                    Some((address, holder)) => {
                        format!("leaves to the Internet as {address}, by {holder}")
                    }
                    None => "leaves to the Internet".to_owned(),
                },
            },
            ("leaves", Some(at), _) => {
                format!("leaves through {at} to a network that is not in the input")
            }
            ("dropped", _, Some(host)) => format!("would arrive at {host}"),
            ("unknown", ..) => "what then becomes of it is not known".to_owned(),
            _ => return Ok(()),
        };
        writeln!(out, "     {ends}")
    }

    /// The source's own public address, and what gives it.
    fn own(&self) -> Option<(String, String)> {
        let From::Source(n) = &self.traced.asked.question.from else { return None };
        let source = self.context.fabric.sources.get(*n)?;
        match &source.own {
            OwnPublic::Held(held) => Some((clean(&held.address), clean(source.holder(held)))),
            _ => None,
        }
    }

    fn back(&self, out: &mut dyn Write, branch: &Branch) -> io::Result<()> {
        let Some(back) = &branch.back else { return Ok(()) };
        self.title(out, &format!("back: {}", replies(back)))?;
        let mut number = 0;
        for part in &back.parts {
            self.hops(out, &part.hops, &part.blockers, number, None)?;
            number += self.telling(&part.hops, &part.blockers).len();
        }
        if number == 0 {
            writeln!(out, "     nothing stands in its way")?;
        }
        Ok(())
    }

    fn hops(
        &self,
        out: &mut dyn Write,
        hops: &[Hop],
        blockers: &[Blocker],
        number: usize,
        before: Option<Header>,
    ) -> io::Result<()> {
        let mut last = before;
        for (n, hop) in self.telling(hops, blockers).into_iter().enumerate() {
            if last.is_none_or(|last| !same_packet(&last, &hop.header)) {
                self.packet(out, &hop.header)?;
            }
            last = Some(hop.header);
            self.hop(out, number + n + 1, hop, blockers)?;
        }
        Ok(())
    }

    /// The hops that say something: a device with several tables is named once unless each of them
    /// has its own word to say.
    fn telling<'h>(&self, hops: &'h [Hop], blockers: &[Blocker]) -> Vec<&'h Hop> {
        let shown = self.context.shown(hops);
        let at = |n: Option<usize>| {
            let hop = shown.get(n?)?;
            self.context.fabric.stage(hop.stage).map(|stage| stage.at)
        };
        let beside = |n: usize| {
            let here = at(Some(n));
            at(n.checked_sub(1)) == here || at(n.checked_add(1)) == here
        };
        let silent = |hop: &Hop| {
            let passes = matches!(hop.action, Action::Forward | Action::Allow | Action::Exit);
            passes && self.says(hop, None).is_none() && blocker_at(hop, blockers).is_none()
        };
        let numbered = shown.iter().enumerate();
        numbered.filter(|(n, hop)| !(silent(hop) && beside(*n))).map(|(_, hop)| *hop).collect()
    }

    /// What decided at a hop, in words, if it is not the device itself.
    fn says(&self, hop: &Hop, blocker: Option<&Blocker>) -> Option<String> {
        let stage = self.context.fabric.stage(hop.stage);
        match hop.element {
            Some(element) if stage.is_some_and(|stage| stage.at == element) => None,
            Some(element) => Some(self.context.text(element)),
            None => {
                let reason = blocker.map(|blocker| blocker.reason);
                let words = default_words(self.context.stage(hop.stage), hop.action, reason);
                words.map(str::to_owned)
            }
        }
    }

    fn packet(&self, out: &mut dyn Write, header: &Header) -> io::Result<()> {
        let src = socket(header.src, header.src_port);
        let dst = socket(Some(header.dst), header.dst_port);
        writeln!(out, "     {}", self.paint.dim(format_args!("{src} -> {dst}")))
    }

    /// `3  route  vSwitch vsw-1: forward`, and what decided it on the next line.
    fn hop(
        &self,
        out: &mut dyn Write,
        number: usize,
        hop: &Hop,
        blockers: &[Blocker],
    ) -> io::Result<()> {
        let stage = self.context.fabric.stage(hop.stage);
        let name = self.context.stage(hop.stage).replace('_', " ");
        let mut at = stage.map(|stage| self.context.text(stage.at)).unwrap_or_default();
        if !at.to_lowercase().starts_with(&name) {
            // `NAT gateway ngw-1` says itself that it is about NAT
            at = format!("{name}: {at}");
        }
        let blocker = blocker_at(hop, blockers);
        let does = match (blocker, hop.action) {
            (Some(_), _) => "stops here",
            (None, action) => action.name(),
        };
        let does =
            if blocker.is_some() { self.paint.verdict(false, does) } else { does.to_owned() };
        writeln!(out, "{number:>3}  {at}: {does}")?;
        let place = self.place(hop.element.or(stage.map(|stage| stage.at)));
        // where a device is written says something only when it is in the way
        match (self.says(hop, blocker), place) {
            (None, Some(_)) if blocker.is_none() => {}
            (Some(says), Some(_)) if blocker.is_none() && hop.element.is_none() => {
                writeln!(out, "     {says}")?;
            }
            (Some(says), Some(place)) => {
                writeln!(out, "     {says}  {}", self.paint.dim(place))?;
            }
            (Some(says), None) => writeln!(out, "     {says}")?,
            (None, Some(place)) => writeln!(out, "     {}", self.paint.dim(place))?,
            (None, None) => {}
        }
        if let Some(blocker) = blocker {
            writeln!(out, "     {} — {}", blocker.reason, blocker.reason.says())?;
        }
        Ok(())
    }

    fn place(&self, element: Option<ElementId>) -> Option<String> {
        let place = self.context.places.get(&element?)?;
        let file = place.file.strip_prefix(self.directory).unwrap_or(&place.file);
        Some(clean(format_args!("{file}:{}", place.line)))
    }

    /// All that stands in the way.
    fn blockers(&self, out: &mut dyn Write) -> io::Result<()> {
        let blockers = all_blockers(&self.traced.trace.branches);
        if blockers.is_empty() {
            return Ok(());
        }
        let all = match blockers.len() {
            1 => "what stands in the way",
            _ => "what stands in the way: all of these",
        };
        self.title(out, all)?;
        for (n, (back, blocker)) in blockers.into_iter().enumerate() {
            let direction = if back { "on the way back, " } else { "" };
            let element = blocker.element.unwrap_or(blocker.at);
            let name = self.context.stage(blocker.stage);
            let words = default_words(name, Action::Drop, Some(blocker.reason));
            let what = match (blocker.element, words) {
                (Some(element), _) => self.context.text(element),
                (None, Some(words)) => format!("{}: {words}", self.context.text(blocker.at)),
                (None, None) => self.context.text(blocker.at),
            };
            let place = self.place(Some(element)).map(|place| self.paint.dim(place));
            writeln!(
                out,
                "{:>3}. {direction}{} — {}",
                n + 1,
                blocker.reason,
                blocker.reason.says()
            )?;
            match place {
                Some(place) => writeln!(out, "     {what}  {place}")?,
                None => writeln!(out, "     {what}")?,
            }
        }
        Ok(())
    }

    fn list(&self, out: &mut dyn Write, title: &str, items: &[Text]) -> io::Result<()> {
        if items.is_empty() {
            return Ok(());
        }
        self.title(out, title)?;
        for item in items {
            let text = clean(item);
            let options =
                textwrap::Options::new(WIDTH).initial_indent("  - ").subsequent_indent("    ");
            for line in textwrap::wrap(&text, options) {
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    }
}

fn replies(back: &Return) -> String {
    let why = back.reason.map(|reason| format!(": {reason} — {}", reason.says()));
    match &back.replies {
        Replies::All => "replies arrive".to_owned(),
        Replies::SomePaths => format!(
            "replies arrive on some of the ways that they can take{}",
            why.unwrap_or_default()
        ),
        Replies::None => format!("no reply arrives{}", why.unwrap_or_default()),
        Replies::Some(ports) => format!(
            "replies arrive at client ports {} only{}",
            ranges(ports),
            why.unwrap_or_default()
        ),
        Replies::Unknown(missing) => match missing.first() {
            Some(first) => format!("not known whether replies arrive, missing {}", clean(first)),
            None => "not known whether replies arrive".to_owned(),
        },
    }
}

fn same_packet(a: &Header, b: &Header) -> bool {
    (a.src, a.dst, a.src_port, a.dst_port) == (b.src, b.dst, b.src_port, b.dst_port)
}

fn socket(address: Option<std::net::IpAddr>, port: u16) -> String {
    match (address, port) {
        (None, _) => "?".to_owned(),
        (Some(address), 0) => address.to_string(),
        (Some(address), port) => std::net::SocketAddr::new(address, port).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::trace_fixture::{World, world};

    fn text(world: &World, traces: &[Traced], paint: Paint) -> String {
        let mut out = Vec::new();
        write(&mut out, world.context(), traces, paint).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn plain(world: &World, from: &str, to: &str) -> String {
        text(world, &[world.trace(from, to)], Paint::PLAIN)
    }

    #[test]
    fn the_answer_comes_first_then_what_decided() {
        let world = world();
        let shown = plain(&world, "web", "db:3306");
        assert_eq!(shown, WORKS, "{shown}");
        let shown = plain(&world, "web", "db:22");
        assert!(shown.starts_with(FAILS) && shown.ends_with(BLOCKED), "{shown}");
    }

    const WORKS: &str = "\
web 10.0.1.10 -> db 10.0.1.20, tcp 3306
works

there
     10.0.1.10:49152 -> 10.0.1.20:3306
  1  security group sg-web: allow
     no rule matches, and a basic group lets out all other egress
  2  source: vSwitch app: forward
  3  route table shop/system: forward
     10.0.1.0/24 -> local
  4  security group sg-db: allow
     sg-db: accept tcp 3306 from 10.0.1.0/24, priority 1
     arrives at ENI db/eni

back: replies arrive
     10.0.1.20:3306 -> 10.0.1.10:49152
  1  security group sg-db: session
     a reply of a flow that it has let through
  2  source: vSwitch app: forward
  3  route table shop/system: forward
     10.0.1.0/24 -> local
  4  security group sg-web: session
     a reply of a flow that it has let through
";

    const FAILS: &str = "\
web 10.0.1.10 -> db 10.0.1.20, tcp 22
fails: sg_ingress_denied — the security groups of the target do not let it in
";

    const BLOCKED: &str = "
what stands in the way
  1. sg_ingress_denied — the security groups of the target do not let it in
     security group sg-db: no rule matches, and a security group drops all other ingress
";

    #[test]
    fn the_public_address_is_named_with_what_gives_it() {
        let shown = plain(&world(), "web", "internet");
        assert!(shown.contains("\nworks, leaves as 203.0.113.9\n"), "{shown}");
        let by = "leaves to the Internet as 203.0.113.9, by EIP";
        assert!(shown.contains(by), "{shown}");
    }

    #[test]
    fn what_is_missing_is_the_answer() {
        let shown = plain(&world(), "odd", "db:3306");
        let missing = "security groups of the ENI (not stated)";
        assert!(shown.contains(&format!("\nunknown: missing {missing}\n")), "{shown}");
        assert!(shown.ends_with(&format!("\nmissing\n  - {missing}\n")), "{shown}");
    }

    #[test]
    fn what_several_ways_have_in_common_is_said_once() {
        let world = world();
        let shown = text(&world, &[world.two_ways()], Paint::PLAIN);
        assert!(shown.contains("\npartial: 1 of 2 ways work\n"), "{shown}");
        assert_eq!(shown.matches("route table shop/system: forward").count(), 2, "{shown}");
        let (_, ways) = shown.split_once("\nevery way begins with\n").unwrap();
        let (common, rest) =
            ways.split_once("\nway 1 of 2 to ENI db/eni at 10.0.1.20:3306: works\n").unwrap();
        assert!(common.contains("  3  route table shop/system: forward"), "{shown}");
        assert!(rest.starts_with("  4  security group sg-db: allow"), "{shown}");
        assert!(rest.contains("\nway 2 of 2 to ENI db/eni at 10.0.1.20:3307: fails\n"), "{shown}");
    }

    #[test]
    fn good_and_bad_have_colours() {
        let world = world();
        let paint = Paint { colour: true };
        let good = text(&world, &[world.trace("web", "db:3306")], paint);
        assert!(good.contains("\u{1b}[1;32mworks\u{1b}[0m"), "{good}");
        let bad = text(&world, &[world.trace("web", "db:22")], paint);
        assert!(
            bad.contains("\u{1b}[1;31mfails: ") && bad.contains("\u{1b}[1;31mstops here"),
            "{bad}"
        );
    }

    #[test]
    fn one_line_per_trace() {
        let world = world();
        let traces =
            [world.trace("web", "db:3306"), world.trace("web", "db:22/udp"), world.two_ways()];
        let mut out = Vec::new();
        write_concise(&mut out, &traces).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "web 10.0.1.10 -> db 10.0.1.20, tcp 3306: works\n\
             web 10.0.1.10 -> db 10.0.1.20, udp 22: fails: sg_ingress_denied — the security groups \
             of the target do not let it in\n\
             web 10.0.1.10 -> db 10.0.1.20, tcp 3306: partial: 1 of 2 ways work\n"
        );
        assert_eq!(summary(&traces), "3 traces: 1 works, 1 partial, 1 fails");
        assert!(
            text(&world, &traces, Paint::PLAIN)
                .ends_with("\n3 traces: 1 works, 1 partial, 1 fails\n")
        );
    }

    #[test]
    fn ports_are_written_as_ranges() {
        assert_eq!(ranges(&[(1024, 2000), (3000, 3000)]), "1024-2000,3000");
    }
}

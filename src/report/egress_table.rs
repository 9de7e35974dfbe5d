//! `egress` for people.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::blocks::Blocks;
use super::clean::clean;
use super::columns::{Columns, Row};
use super::egress_view::{self, EgressScope};
use super::paint::Paint;
use super::plural;
use crate::addr::{AddrSet, Cidr, Family};
use crate::analyze::egress::{EgressClass, EgressReport, SourceEgress, SourceRole, SourceVerdict};
use crate::topology::{AddrValue, Kind, Resource, ResourceRef, Topology};

/// Blocks on one line of a cell.
const BLOCKS_PER_LINE: usize = 3;
/// Sources that a group lists.
const SOURCES_SHOWN: usize = 8;

/// How the answer is arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Every source, by VPC.
    Instance,
    /// Public addresses and who leaves with them.
    Ip,
    /// Equal answers within a VPC.
    Vpc,
    /// Equal answers over everything.
    Group,
}

/// What to print and how.
#[derive(Debug, Clone, Copy)]
pub struct TableOptions<'a> {
    /// Arrangement.
    pub by: By,
    /// Classes to show.
    pub scope: EgressScope,
    /// Colours.
    pub paint: Paint,
    /// Leave out notes and the summary.
    pub quiet: bool,
    /// Listings without which there may be further sources.
    pub missing: &'a [String],
}

/// Writes an answer for people.
pub fn write(
    out: &mut dyn Write,
    report: &EgressReport,
    topology: &Topology,
    options: TableOptions<'_>,
) -> io::Result<()> {
    let mut table = Table { topology, options, notes: Footnotes::default() };
    match options.by {
        By::Ip => table.by_ip(out, report)?,
        By::Group => {
            let all: Vec<&SourceEgress> = report.sources.iter().collect();
            table.groups(&all).write(out, 0, options.paint)?;
        }
        By::Instance | By::Vpc => table.by_vpc(out, report)?,
    }
    if !options.quiet {
        table.notes.write(out, options.missing)?;
        write_summary(out, report, options.paint)?;
    }
    Ok(())
}

/// Facts behind answers, numbered where they are used and listed at the end.
#[derive(Default)]
struct Footnotes {
    numbers: BTreeMap<String, usize>,
    texts: Vec<String>,
    missing: bool,
}

impl Footnotes {
    fn mark(&mut self, class: &EgressClass) -> String {
        self.missing |= !class.missing.is_empty();
        let assumed = class.assumptions.iter().map(|text| format!("assumed: {text}"));
        let missing = class.missing.iter().map(|text| format!("missing: {text}"));
        assumed.chain(missing).map(|text| format!(" [{}]", self.number(text))).collect()
    }

    fn number(&mut self, text: String) -> usize {
        let next = self.texts.len() + 1;
        let number = *self.numbers.entry(text.clone()).or_insert(next);
        if number == next {
            self.texts.push(text);
        }
        number
    }

    fn write(&self, out: &mut dyn Write, missing: &[String]) -> io::Result<()> {
        if !self.texts.is_empty() || !missing.is_empty() {
            writeln!(out)?;
        }
        for (n, text) in self.texts.iter().enumerate() {
            writeln!(out, "[{}] {}", n + 1, clean(text))?;
        }
        if !missing.is_empty() {
            writeln!(out, "there may be further sources: missing {}", clean(missing.join(", ")))?;
        }
        if self.missing || !missing.is_empty() {
            writeln!(
                out,
                "help: `vpclint export-commands --region REGION` prints the calls of a complete export"
            )?;
        }
        Ok(())
    }
}

fn write_summary(out: &mut dyn Write, report: &EgressReport, paint: Paint) -> io::Result<()> {
    let counts = egress_view::counts(report);
    let line = format!(
        "{}: {} with egress, {} without, {} unknown · {}",
        plural(report.sources.len(), "source"),
        counts.with_egress,
        counts.without_egress,
        counts.unknown,
        plural(egress_view::by_public_ip(report).len(), "public IP"),
    );
    writeln!(out, "\n{}", paint.bold(line))
}

struct Table<'a> {
    topology: &'a Topology,
    options: TableOptions<'a>,
    notes: Footnotes,
}

impl Table<'_> {
    fn by_vpc(&mut self, out: &mut dyn Write, report: &EgressReport) -> io::Result<()> {
        let mut vpcs: Vec<(&SourceEgress, Vec<&SourceEgress>)> = Vec::new();
        for source in &report.sources {
            match vpcs.last_mut() {
                Some((first, sources)) if first.vpc == source.vpc => sources.push(source),
                _ => vpcs.push((source, vec![source])),
            }
        }
        for (n, (first, sources)) in vpcs.iter().enumerate() {
            if n > 0 {
                writeln!(out)?;
            }
            writeln!(out, "{}", self.options.paint.bold(self.heading(first)))?;
            let columns = match self.options.by {
                By::Vpc => self.groups(sources),
                _ => self.instances(sources),
            };
            columns.write(out, 0, self.options.paint)?;
        }
        Ok(())
    }

    fn heading(&self, source: &SourceEgress) -> String {
        let vpc = match &source.vpc {
            Some(id) => match self.topology.vpcs.get(id) {
                Some(vpc) => clean(vpc.to_ref()),
                None => clean(format_args!("VPC {id}")),
            },
            None => "VPC not stated".to_owned(),
        };
        match &source.region {
            Some(region) => format!("{vpc} in {}", clean(region)),
            None => vpc,
        }
    }

    fn instances(&mut self, sources: &[&SourceEgress]) -> Columns {
        let mut columns = Columns::new(&[
            "INSTANCE",
            "SOURCE IP",
            "VSWITCH, ZONE",
            "DESTINATIONS",
            "LEAVES AS",
            "DECIDED BY",
        ]);
        let mut said = BTreeSet::new();
        for source in sources {
            let head = [vec![instance_name(source)], vec![address(source)], vec![vswitch(source)]];
            for (n, class) in self.options.scope.classes(source).enumerate() {
                let head = if n == 0 { head.to_vec() } else { vec![Vec::new(); head.len()] };
                let mut row = Row { cells: head, below: Vec::new() };
                row.cells.extend(self.answer(source, class));
                // sentences that are true of many sources are said once
                let why = class.why.iter().filter(|text| said.insert((*text).clone()));
                row.below.extend(why.map(clean));
                row.below.extend(explained(class));
                if n == 0 {
                    row.below.extend(source.notes.iter().map(|t| format!("note: {}", clean(t))));
                }
                columns.push(row);
            }
        }
        columns
    }

    fn groups(&mut self, sources: &[&SourceEgress]) -> Columns {
        let mut columns = Columns::new(&["SOURCES", "DESTINATIONS", "LEAVES AS", "DECIDED BY"]);
        let mut groups: Vec<(&SourceEgress, Vec<&SourceEgress>)> = Vec::new();
        for source in sources {
            match groups.iter_mut().find(|(first, _)| self.equal(first, source)) {
                Some((_, members)) => members.push(source),
                None => groups.push((source, vec![source])),
            }
        }
        for (first, members) in groups {
            for (n, class) in self.options.scope.classes(first).enumerate() {
                let mut row = Row { cells: vec![Vec::new()], below: Vec::new() };
                if n == 0 {
                    row.cells = vec![listed(&members)];
                }
                row.cells.extend(self.answer(first, class));
                row.below.extend(class.why.iter().map(clean));
                row.below.extend(explained(class));
                columns.push(row);
            }
        }
        columns
    }

    /// True when two sources have the same answer for every destination shown.
    fn equal(&self, a: &SourceEgress, b: &SourceEgress) -> bool {
        fn key(class: &EgressClass) -> impl PartialEq + '_ {
            (
                (&class.destinations, &class.services),
                (class.verdict, class.reason, &class.public_ips, &class.if_allowed),
                (&class.via, &class.missing, &class.assumptions),
            )
        }
        let scope = self.options.scope;
        scope.classes(a).map(key).eq(scope.classes(b).map(key))
    }

    fn by_ip(&mut self, out: &mut dyn Write, report: &EgressReport) -> io::Result<()> {
        let eips = egress_view::eips_by_address(self.topology);
        let mut columns = Columns::new(&["PUBLIC IP", "EIP", "SOURCES"]);
        for (address, sources) in egress_view::by_public_ip(report) {
            let eip = eips.get(address).map_or_else(String::new, clean);
            columns.push(Row {
                cells: vec![vec![clean(address)], vec![eip], listed(&sources)],
                below: Vec::new(),
            });
        }
        let of = |verdict| report.sources.iter().filter(move |s| s.verdict == verdict);
        let mut rest: BTreeMap<Vec<String>, Vec<&SourceEgress>> = BTreeMap::new();
        for source in of(SourceVerdict::None) {
            rest.entry(vec!["no egress".to_owned()]).or_default().push(source);
        }
        for source in of(SourceVerdict::Unknown) {
            let mut says = vec!["unknown".to_owned()];
            let addresses = source.if_allowed();
            if !addresses.is_empty() {
                says.push(if_allowed(addresses.into_iter()));
            }
            rest.entry(says).or_default().push(source);
        }
        for (says, sources) in rest {
            columns
                .push(Row { cells: vec![says, Vec::new(), listed(&sources)], below: Vec::new() });
        }
        for class in report.sources.iter().flat_map(|s| self.options.scope.classes(s)) {
            self.notes.mark(class);
        }
        columns.write(out, 0, self.options.paint)
    }

    /// Destinations, what becomes of them, and what decided.
    fn answer(&mut self, source: &SourceEgress, class: &EgressClass) -> [Vec<String>; 3] {
        let mut fate: Vec<String> = match class.reason {
            Some(reason) => vec![format!("{} ({reason})", class.verdict)],
            None if !class.if_allowed.is_empty() => {
                vec![class.verdict.to_string(), if_allowed(class.if_allowed.iter())]
            }
            None if class.public_ips.is_empty() => vec![class.verdict.to_string()],
            None => class.public_ips.iter().map(clean).collect(),
        };
        let marks = self.notes.mark(class);
        if let Some(first) = fate.first_mut() {
            first.push_str(&marks);
        }
        let mut destinations = destinations(source, class, self.options.scope);
        destinations.extend(services(class));
        [destinations, fate, vec![decided_by(&class.via)]]
    }
}

/// `if the filters let it out: 203.0.113.7`.
fn if_allowed<'a>(addresses: impl Iterator<Item = &'a AddrValue>) -> String {
    let addresses: Vec<String> = addresses.map(ToString::to_string).collect();
    clean(format_args!("if the filters let it out: {}", addresses.join(", ")))
}

/// The services of a class, unless they are all: said by what they lack where that is shorter.
fn services(class: &EgressClass) -> Option<String> {
    if class.services.is_all() {
        return None;
    }
    let only = format!("only {}", class.services);
    let but = format!("all but {}", class.services.complement());
    Some(if but.len() < only.len() { but } else { only })
}

/// What a reason means, and what else is to be known.
fn explained(class: &EgressClass) -> impl Iterator<Item = String> + '_ {
    let reason = class.reason.filter(|_| class.why.is_empty()).map(|r| r.says().to_owned());
    reason.into_iter().chain(class.notes.iter().map(|text| format!("note: {}", clean(text))))
}

fn instance_name(source: &SourceEgress) -> String {
    let holder = source.instance.as_ref().unwrap_or(&source.eni);
    match &holder.name {
        Some(name) => clean(format_args!("{} ({name})", holder.id)),
        None => clean(&holder.id),
    }
}

fn address(source: &SourceEgress) -> String {
    let role = match source.role {
        SourceRole::Primary => String::new(),
        SourceRole::SecondaryIp => " (secondary address)".to_owned(),
        SourceRole::SecondaryEni => format!(" (secondary ENI {})", source.eni.id),
        SourceRole::HaVip => match &source.havip {
            Some(havip) => format!(" (HaVip {})", havip.id),
            None => " (HaVip)".to_owned(),
        },
    };
    clean(format_args!("{}{role}", source.address))
}

fn vswitch(source: &SourceEgress) -> String {
    let vswitch = source.vswitch.as_ref().map_or("?", |id| id.as_str());
    match &source.zone {
        Some(zone) => clean(format_args!("{vswitch}, {zone}")),
        None => clean(vswitch),
    }
}

fn listed(sources: &[&SourceEgress]) -> Vec<String> {
    let mut lines: Vec<String> = sources
        .iter()
        .take(SOURCES_SHOWN)
        .map(|source| format!("{} {}", address(source), instance_name(source)))
        .collect();
    if sources.len() > SOURCES_SHOWN {
        lines.push(format!("and {} more", sources.len() - SOURCES_SHOWN));
    }
    lines
}

/// `SNAT entry snat-1 of NAT gateway ngw-1`, `EIP eip-1`, `network ACL entry 1 of network ACL acl-1`,
/// or a path of several elements.
fn decided_by(via: &[ResourceRef]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = via.iter().peekable();
    while let Some(element) = rest.next() {
        let entry = rest.next_if(|next| {
            element.kind == Kind::NatGateway
                && matches!(next.kind, Kind::SnatEntry | Kind::DnatEntry | Kind::FullNatEntry)
        });
        // filters name the rule first
        let filter = rest.next_if(|next| {
            matches!(
                (element.kind, next.kind),
                (Kind::SecurityGroupRule, Kind::SecurityGroup)
                    | (Kind::NetworkAclEntry, Kind::NetworkAcl)
            )
        });
        let (inner, outer) = match (entry, filter) {
            (Some(entry), _) => (entry, Some(element)),
            (None, filter) => (element, filter),
        };
        let of = outer.map(|of| format!(" of {} {}", of.kind, of.id)).unwrap_or_default();
        parts.push(format!("{} {}{of}", inner.kind, inner.id));
    }
    clean(parts.join(" → "))
}

/// The destinations of a class in as few blocks as possible, relative to all public destinations
/// where that is shorter.
fn destinations(source: &SourceEgress, class: &EgressClass, scope: EgressScope) -> Vec<String> {
    let plain = Blocks::of(&class.destinations);
    if !class.public || scope == EgressScope::Within {
        return block_lines(&plain.cover, &plain.except);
    }
    let family: Family = class.destinations.family();
    let public = source
        .public_classes()
        .fold(AddrSet::empty(family), |all, class| all.union(&class.destinations));
    let lacking = Blocks::of(&public.difference(&class.destinations));
    if lacking.cover.is_empty() {
        return vec!["all public".to_owned()];
    }
    let relative = lacking.cover.len() + lacking.except.len();
    if lacking.except.is_empty() && relative < plain.cover.len() + plain.except.len() {
        let mut lines = vec!["all public except".to_owned()];
        lines.extend(lines_of(&lacking.cover));
        return lines;
    }
    block_lines(&plain.cover, &plain.except)
}

fn block_lines(cover: &[Cidr], except: &[Cidr]) -> Vec<String> {
    let mut lines = lines_of(cover);
    if !except.is_empty() {
        if let Some(last) = lines.last_mut() {
            last.push_str(" except");
        }
        lines.extend(lines_of(except));
    }
    lines
}

fn lines_of(blocks: &[Cidr]) -> Vec<String> {
    blocks
        .chunks(BLOCKS_PER_LINE)
        .map(|some| some.iter().map(Cidr::to_string).collect::<Vec<_>>().join(", "))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::egress_fixture;

    fn render(by: By, scope: EgressScope) -> String {
        render_of(&egress_fixture::report(), by, scope)
    }

    fn render_of(report: &EgressReport, by: By, scope: EgressScope) -> String {
        let mut out = Vec::new();
        let options = TableOptions { by, scope, paint: Paint::PLAIN, quiet: false, missing: &[] };
        write(&mut out, report, &egress_fixture::topology(), options).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_source_with_what_decides() {
        let text = render(By::Instance, EgressScope::Public);
        assert_eq!(text, EXPECTED, "{text}");
    }

    const EXPECTED: &str = r"VPC vpc-1 (生产) in cn-shanghai
INSTANCE             SOURCE IP                          VSWITCH, ZONE         DESTINATIONS       LEAVES AS                        DECIDED BY
i-1 (网关)           10.0.1.10                          vsw-1, cn-shanghai-b  all public         203.0.113.7 [1]                  SNAT entry snat-1 of NAT gateway ngw-1
  SNAT entry snat-1 covers the vSwitch vsw-1
i-2 (web\u{1b}[31m)  10.0.1.11                          vsw-1, cn-shanghai-b  all public         203.0.113.7 [1]                  SNAT entry snat-1 of NAT gateway ngw-1
i-3 (database)       10.0.1.12                          vsw-1, cn-shanghai-b  all public except  198.51.100.9 [1]                 EIP eip-2
                                                                              8.8.0.0/16
  EIP eip-2 on the primary address wins over SNAT entry snat-1
                                                                              8.8.0.0/16         dropped (no_route) [1]
  no route matches the destination
  note: reply_no_route
i-4                  10.0.1.13                          vsw-1, cn-shanghai-b  all public         dropped (nat_no_snat_entry) [1]  NAT gateway ngw-1
  no SNAT entry covers the source
i-5                  10.0.2.10 (secondary ENI eni-i-5)  vsw-1, cn-shanghai-b  all public         unknown [1] [2]
  note: not attached

[1] assumed: internet_mode = DIRECT (vpc-1)
[2] missing: DescribeSnatTableEntries for ngw-1 (not in the input)
help: `vpclint export-commands --region REGION` prints the calls of a complete export

5 sources: 3 with egress, 1 without, 1 unknown · 2 public IPs
";

    #[test]
    fn services_are_shown_where_they_are_not_all() {
        for by in [By::Instance, By::Vpc, By::Group] {
            let text = render_of(&egress_fixture::filtered(), by, EgressScope::Public);
            let lines: Vec<&str> = text.lines().collect();
            let at = lines.iter().position(|l| l.contains("dropped (sg_egress_denied)")).unwrap();
            assert!(lines[at - 1].contains("only tcp/80,443,8000-8099 icmp"), "{text}");
            assert!(lines[at + 1].contains("all but tcp/80,443,8000-8099 icmp"), "{text}");
            assert!(text.contains("if the filters let it out: 203.0.113.7"), "{text}");
            assert!(text.contains("missing: security group sg-2 (not in the input)"), "{text}");
        }
        let text = render_of(&egress_fixture::filtered(), By::Ip, EgressScope::Public);
        assert!(text.contains("if the filters let it out: 203.0.113.7"), "{text}");
    }

    #[test]
    fn equal_answers_share_a_row() {
        for by in [By::Vpc, By::Group] {
            let text = render(by, EgressScope::Public);
            assert_eq!(text.matches("203.0.113.7").count(), 1, "{text}");
            assert!(text.contains("10.0.1.11 i-2 (web\\u{1b}[31m)"), "{text}");
        }
    }

    #[test]
    fn by_public_address() {
        let text = render(By::Ip, EgressScope::Public);
        assert!(text.contains("203.0.113.7   eip-1  10.0.1.10 i-1 (网关)"), "{text}");
        assert!(text.contains("no egress            10.0.1.13 i-4"), "{text}");
    }

    #[test]
    fn private_classes_come_on_demand() {
        assert!(!render(By::Instance, EgressScope::Public).contains("delivered"));
        let text = render(By::Instance, EgressScope::All);
        assert!(text.contains("10.0.0.0/8") && text.contains("delivered"), "{text}");
    }
}

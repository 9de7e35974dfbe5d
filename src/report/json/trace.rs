//! `trace --output json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::trace_text::ranges;
use super::super::trace_view::{TraceContext, Traced, all_blockers};
use crate::analyze::trace::{Branch, Question, Replies, Return, Target};
use crate::fabric::{ElementId, Header};
use crate::policy::flow::EndPoint;
use crate::simulate::{Blocker, Hop, Verdict};
use crate::topology::Text;

/// The document of `vpclint trace`: one trace, or a list of several.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Document")]
pub enum TraceDocument {
    /// One source, one target, one service.
    One(Box<TraceV1>),
    /// Several.
    Many(TracesV1),
}

/// Several traces.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Traces")]
pub struct TracesV1 {
    /// `vpclint/traces/v1`.
    #[schemars(extend("const" = "vpclint/traces/v1"))]
    schema: &'static str,
    /// The traces, in the order of sources, then targets.
    traces: Vec<TraceV1>,
}

/// One flow, hop by hop.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Trace")]
pub struct TraceV1 {
    /// `vpclint/trace/v1`.
    #[schemars(extend("const" = "vpclint/trace/v1"))]
    schema: &'static str,
    /// What was asked.
    question: QuestionV1,
    /// Both directions over all ways.
    #[schemars(extend("enum" = ["works", "fails", "partial", "unknown"]))]
    connection: &'static str,
    /// The way there, of the best way.
    #[schemars(extend("enum" = ["exits", "delivered", "leaves", "answered", "dropped", "conditional", "unknown"]))]
    verdict: &'static str,
    /// The first that stops it on the way there.
    reason: Option<&'static str>,
    /// Public addresses under which it leaves.
    public_ips: Vec<String>,
    /// Who takes the packet, of the best way.
    target: Option<TargetV1>,
    /// The way there, of the best way.
    hops: Vec<HopV1>,
    /// Every way, when there are several.
    branches: Vec<BranchV1>,
    /// The way back, of the best way; null when nothing comes back.
    #[serde(rename = "return")]
    back: Option<ReturnV1>,
    /// All that stops it, there and back, over all ways.
    blockers: Vec<BlockerV1>,
    /// Assumptions that the answer rests on.
    assumptions: Vec<String>,
    /// Facts to know that do not change the answer.
    notes: Vec<String>,
    /// What is missing to decide what is not decided.
    missing: Vec<String>,
}

/// What was asked.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Question")]
struct QuestionV1 {
    /// Who opens the connection.
    from: EndV1,
    /// To whom.
    to: EndV1,
    /// `tcp`, `udp`, `icmp`, `gre`.
    protocol: &'static str,
    /// Client port of the packet that is shown; 0 without ports.
    src_port: u16,
    /// Port asked for; 0 without ports.
    dst_port: u16,
}

/// An end of a flow.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "End")]
struct EndV1 {
    /// `eni`, `instance`, `load_balancer`, …; `internet`; `ip` for an address that nobody has.
    kind: &'static str,
    /// Id.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Name given by the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The instance behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// The address that the packet carries.
    ip: String,
}

/// Who takes a packet.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Target")]
struct TargetV1 {
    /// Kind.
    kind: &'static str,
    /// Id.
    id: String,
    /// Address that the packet then carries.
    ip: String,
    /// Port that it then carries; 0 without ports.
    port: u16,
}

/// A decision.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Hop")]
struct HopV1 {
    /// Kind of decision: `route`, `security_group`, `nat`, ….
    stage: &'static str,
    /// Device or table.
    at: Option<AtV1>,
    /// What it did.
    #[schemars(extend("enum" = ["forward", "allow", "session", "translate", "deliver", "answer", "exit", "leave", "drop", "unknown"]))]
    action: &'static str,
    /// The rule that matched; null for a default.
    element: Option<ElementV1>,
    /// The packet as it came here.
    packet: HeaderV1,
}

/// A device or table.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "At")]
struct AtV1 {
    /// Kind.
    kind: &'static str,
    /// Id.
    id: String,
}

/// A rule that decides.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Element")]
struct ElementV1 {
    /// Kind.
    kind: &'static str,
    /// Id.
    id: String,
    /// What it says.
    text: String,
    /// File; null for what the input does not state as such.
    file: Option<String>,
    /// Line.
    line: Option<u32>,
    /// Column.
    column: Option<u32>,
}

/// A packet; the source is null when its address is not known as a number.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Header")]
struct HeaderV1 {
    /// Source address.
    src: Option<String>,
    /// Destination address.
    dst: String,
    /// `tcp`, `udp`, `icmp`, `gre`.
    protocol: &'static str,
    /// Source port; 0 without ports.
    src_port: u16,
    /// Destination port; 0 without ports.
    dst_port: u16,
}

/// One of several ways.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Branch")]
struct BranchV1 {
    /// Both directions of it.
    #[schemars(extend("enum" = ["works", "fails", "partial", "unknown"]))]
    connection: &'static str,
    /// The way there.
    #[schemars(extend("enum" = ["exits", "delivered", "leaves", "answered", "dropped", "conditional", "unknown"]))]
    verdict: &'static str,
    /// The first that stops it on the way there.
    reason: Option<&'static str>,
    /// Who takes the packet.
    target: Option<TargetV1>,
    /// The way there.
    hops: Vec<HopV1>,
    /// The way back.
    #[serde(rename = "return")]
    back: Option<ReturnV1>,
}

/// A way back.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Return")]
struct ReturnV1 {
    /// `delivered` when some replies arrive, `dropped` when none do.
    #[schemars(extend("enum" = ["delivered", "dropped", "unknown"]))]
    verdict: &'static str,
    /// Why not, for replies that do not.
    reason: Option<&'static str>,
    /// Decisions, from the target to the client.
    hops: Vec<HopV1>,
    /// Client ports at which replies arrive: `all`, `none`, `unknown`, a list like
    /// `1024-2000,3000`, or `all_on_some_paths` when it depends on the way that they take.
    ports: String,
}

/// Something that stops packets.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Blocker")]
struct BlockerV1 {
    /// Kind of decision.
    stage: &'static str,
    /// Why.
    reason: &'static str,
    /// Device or table.
    at: Option<AtV1>,
    /// The rule that decided; null for a default.
    element: Option<ElementV1>,
    /// Does it stop requests or replies?
    #[schemars(extend("enum" = ["forward", "return"]))]
    direction: &'static str,
}

impl TraceDocument {
    /// The document of some traces.
    pub fn new(context: TraceContext<'_>, traces: &[Traced]) -> Self {
        match traces {
            [one] => Self::One(Box::new(TraceV1::new(context, one))),
            many => Self::Many(TracesV1 {
                schema: "vpclint/traces/v1",
                traces: many.iter().map(|traced| TraceV1::new(context, traced)).collect(),
            }),
        }
    }
}

impl TraceV1 {
    /// The document of a trace.
    pub fn new(context: TraceContext<'_>, traced: &Traced) -> Self {
        let trace = &traced.trace;
        let best = trace.best();
        let branches: &[Branch] = if trace.branches.len() > 1 { &trace.branches } else { &[] };
        let blockers = all_blockers(&trace.branches);
        let notes = traced.asked.notes.iter().chain(&trace.notes);
        Self {
            schema: "vpclint/trace/v1",
            question: QuestionV1::new(traced),
            connection: trace.connection.name(),
            verdict: trace.verdict.name(),
            reason: trace.reason.map(crate::fabric::Reason::name),
            public_ips: trace.public_ips.iter().map(ToString::to_string).collect(),
            target: best.and_then(|b| b.target.as_ref()).and_then(|t| target(context, t)),
            hops: best.map(|b| hops(context, &b.forward.hops)).unwrap_or_default(),
            branches: branches.iter().map(|branch| BranchV1::new(context, branch)).collect(),
            back: best.and_then(|b| b.back.as_ref()).map(|b| ReturnV1::new(context, b)),
            blockers: blockers.into_iter().map(|(back, b)| blocker(context, back, b)).collect(),
            assumptions: texts(trace.assumptions.iter()),
            notes: texts(notes),
            missing: texts(trace.missing.iter()),
        }
    }
}

impl QuestionV1 {
    fn new(traced: &Traced) -> Self {
        let Question { protocol, src_port, dst_port, to, .. } = &traced.asked.question;
        Self {
            from: EndV1::new(&traced.asked.from, traced.asked.from.address.to_string()),
            to: EndV1::new(&traced.asked.to, to.address.to_string()),
            protocol: protocol.name(),
            src_port: *src_port,
            dst_port: *dst_port,
        }
    }
}

impl EndV1 {
    fn new(end: &EndPoint, ip: String) -> Self {
        let resource = end.resource.as_ref();
        let kind = match resource {
            Some(resource) => resource.kind.name(),
            None if end.internet => "internet",
            None => "ip",
        };
        let named = end.instance.as_ref().or(resource);
        Self {
            kind,
            id: resource.map(|r| r.id.to_string()),
            name: named.and_then(|r| r.name.as_ref()).map(ToString::to_string),
            instance: end.instance.as_ref().map(|r| r.id.to_string()),
            ip,
        }
    }
}

impl BranchV1 {
    fn new(context: TraceContext<'_>, branch: &Branch) -> Self {
        let outcome = &branch.forward.outcome;
        Self {
            connection: branch.connection.name(),
            verdict: outcome.verdict.name(),
            reason: outcome.reason.map(crate::fabric::Reason::name),
            target: branch.target.as_ref().and_then(|t| target(context, t)),
            hops: hops(context, &branch.forward.hops),
            back: branch.back.as_ref().map(|back| ReturnV1::new(context, back)),
        }
    }
}

impl ReturnV1 {
    fn new(context: TraceContext<'_>, back: &Return) -> Self {
        let (verdict, ports) = match &back.replies {
            Replies::All => (Verdict::Delivered, "all".to_owned()),
            Replies::Some(ports) => (Verdict::Delivered, ranges(ports)),
            Replies::SomePaths => (Verdict::Delivered, "all_on_some_paths".to_owned()),
            Replies::None => (Verdict::Dropped, "none".to_owned()),
            Replies::Unknown(_) => (Verdict::Unknown, "unknown".to_owned()),
        };
        Self {
            verdict: verdict.name(),
            reason: back.reason.map(crate::fabric::Reason::name),
            hops: back.parts.iter().flat_map(|part| hops(context, &part.hops)).collect(),
            ports,
        }
    }
}

fn hops(context: TraceContext<'_>, hops: &[Hop]) -> Vec<HopV1> {
    let shown = context.shown(hops).into_iter();
    shown
        .map(|hop| HopV1 {
            stage: context.stage(hop.stage),
            at: context.fabric.stage(hop.stage).and_then(|stage| at(context, stage.at)),
            action: hop.action.name(),
            element: hop.element.and_then(|id| element(context, id)),
            packet: HeaderV1::new(&hop.header),
        })
        .collect()
}

impl HeaderV1 {
    fn new(header: &Header) -> Self {
        Self {
            src: header.src.map(|src| src.to_string()),
            dst: header.dst.to_string(),
            protocol: header.protocol.name(),
            src_port: header.src_port,
            dst_port: header.dst_port,
        }
    }
}

fn target(context: TraceContext<'_>, target: &Target) -> Option<TargetV1> {
    let resource = &context.fabric.element(target.element)?.resource;
    Some(TargetV1 {
        kind: resource.kind.name(),
        id: resource.id.to_string(),
        ip: target.address.to_string(),
        port: target.port,
    })
}

fn at(context: TraceContext<'_>, id: ElementId) -> Option<AtV1> {
    let resource = &context.fabric.element(id)?.resource;
    Some(AtV1 { kind: resource.kind.name(), id: resource.id.to_string() })
}

fn element(context: TraceContext<'_>, id: ElementId) -> Option<ElementV1> {
    let element = context.fabric.element(id)?;
    let place = context.places.get(&id);
    Some(ElementV1 {
        kind: element.resource.kind.name(),
        id: element.resource.id.to_string(),
        text: element.text.to_string(),
        file: place.map(|place| place.file.clone()),
        line: place.map(|place| place.line),
        column: place.map(|place| place.column),
    })
}

fn blocker(context: TraceContext<'_>, back: bool, blocker: &Blocker) -> BlockerV1 {
    BlockerV1 {
        stage: context.stage(blocker.stage),
        reason: blocker.reason.name(),
        at: at(context, blocker.at),
        element: blocker.element.and_then(|id| element(context, id)),
        direction: if back { "return" } else { "forward" },
    }
}

fn texts<'a>(texts: impl Iterator<Item = &'a Text>) -> Vec<String> {
    texts.map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::json::assert_valid;
    use crate::report::trace_fixture::world;
    use serde_json::{Value, json};

    #[test]
    fn several_ways_stand_beside_the_best_one() {
        let world = world();
        let traced = world.two_ways();
        let value =
            assert_valid(&TraceDocument::new(world.context(), std::slice::from_ref(&traced)));
        assert_eq!(value["schema"], "vpclint/trace/v1");
        let branches = value["branches"].as_array().unwrap();
        assert_eq!(branches.len(), 2);
        assert_eq!(branches[0]["connection"], "works");
        assert_eq!(branches[0]["hops"], value["hops"]);
        assert_eq!(branches[0]["return"], value["return"]);
        assert_eq!(branches[1]["connection"], "fails");
        assert_eq!(branches[1]["return"], Value::Null);
        assert_eq!(branches[1]["target"]["port"], 3307);
    }

    #[test]
    fn one_way_has_no_branches() {
        let world = world();
        let traced = world.trace("web", "db:22");
        let value =
            assert_valid(&TraceDocument::new(world.context(), std::slice::from_ref(&traced)));
        assert_eq!(value["branches"], json!([]));
        assert_eq!(
            value["blockers"],
            json!([{
                "stage": "security_group", "reason": "sg_ingress_denied", "direction": "forward",
                "at": {"kind": "security_group", "id": "sg-db"}, "element": null,
            }])
        );
        assert_eq!(value["hops"][0]["packet"]["src_port"], 49152);
    }

    #[test]
    fn several_traces_are_a_list() {
        let world = world();
        let traces = [world.trace("web", "db:22"), world.trace("web", "internet")];
        let value = assert_valid(&TraceDocument::new(world.context(), &traces));
        assert_eq!(value["schema"], "vpclint/traces/v1");
        assert_eq!(value["traces"].as_array().unwrap().len(), 2);
    }
}

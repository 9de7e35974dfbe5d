//! Traces that the tests of all formats share.

use std::collections::BTreeMap;

use super::trace_view::{ElementPlace, TraceContext, Traced};
use crate::analyze::trace::{Connection, Target, trace};
use crate::fabric::{Assume, ElementId, Fabric};
use crate::load::native::{Syntax, read};
use crate::policy::flow::{Options, questions};
use crate::policy::resolve::Resolver;
use crate::policy::selector::{Selector, Wanted};
use crate::simulate::Verdict;
use crate::topology::{Draft, FileId, Topology};

const NET: &str = r#"
[[vpc]]
name = "shop"
cidr = "10.0.0.0/16"
[[vpc.vswitch]]
name = "app"
cidr = "10.0.1.0/24"
[[vpc.vswitch.instance]]
name = "web"
ip = "10.0.1.10"
eip = "203.0.113.9"
security_groups = ["sg-web"]
[[vpc.vswitch.instance]]
name = "db"
ip = "10.0.1.20"
security_groups = ["sg-db"]
[[vpc.vswitch.instance]]
name = "odd"
ip = "10.0.1.30"
[[vpc.security_group]]
id = "sg-web"
type = "basic"
[[vpc.security_group]]
id = "sg-db"
type = "basic"
ingress = ["accept tcp 3306 from 10.0.1.0/24"]
"#;

/// A small world.
pub(super) struct World {
    topology: Topology,
    pub(super) fabric: Fabric,
    places: BTreeMap<ElementId, ElementPlace>,
}

pub(super) fn world() -> World {
    let mut draft = Draft::default();
    read(NET, Syntax::Toml, FileId(0), &mut draft).unwrap();
    let topology = draft.build();
    let fabric = Fabric::compile(&topology, &Assume::default());
    World { topology, fabric, places: BTreeMap::new() }
}

impl World {
    pub(super) fn context(&self) -> TraceContext<'_> {
        TraceContext { fabric: &self.fabric, places: &self.places }
    }

    pub(super) fn trace(&self, from: &str, to: &str) -> Traced {
        let resolver = Resolver::new(&self.topology, &self.fabric);
        let from: Selector = from.parse().unwrap();
        let to: Wanted = to.parse().unwrap();
        let options = Options { ask: to.ask, source_port: None, limit: 1 };
        let (from, to) =
            (resolver.resolve(&from).unwrap(), resolver.resolve(&to.selector).unwrap());
        let asked = questions(&resolver, &from, &to, options).unwrap().remove(0);
        let trace = trace(&self.fabric, &asked.question).unwrap().with_own(&self.fabric);
        Traced { asked, trace }
    }

    /// A flow with two ways, of which the second ends one hop earlier and fails.
    pub(super) fn two_ways(&self) -> Traced {
        let mut traced = self.trace("web", "db:3306");
        let mut second = traced.trace.branches[0].clone();
        second.connection = Connection::Fails;
        second.back = None;
        second.forward.outcome.verdict = Verdict::Dropped;
        second.forward.hops.pop();
        second.forward.host = None;
        second.target = second.target.map(|target| Target { port: 3307, ..target });
        traced.trace.branches.push(second);
        traced.trace.connection = Connection::Partial;
        traced
    }
}

//! PL007: the security groups of an interface endpoint.

use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, stated};
use crate::topology::{EndpointType, Listing, Resource};

pub(crate) struct EndpointWithoutSg;

static META: RuleMeta = RuleMeta {
    id: "PL007",
    name: "endpoint-without-sg",
    summary: "an interface endpoint has one to ten security groups",
    severity: Severity::Error,
    pack: Pack::Default,
    needs: &[Listing::EndpointSecurityGroups],
    cases: &[
        Case {
            key: "none",
            message: "{endpoint} has no security group, so nothing reaches it",
            help: "attach a group that admits the clients on the listener's port: `aliyun privatelink AttachSecurityGroupToVpcEndpoint --EndpointId {id} --SecurityGroupId` and its id",
        },
        Case {
            key: "many",
            message: "{endpoint} has {count} security groups; the cloud takes at most {most}",
            help: "join the groups until there are {most} at most",
        },
    ],
    page: include_str!("../../../rules/PL007-endpoint-without-sg.md"),
};

/// Groups that an endpoint can have (access.md §4.4).
const MOST: usize = 10;

impl Rule for EndpointWithoutSg {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        // GWLB and reverse endpoints have no groups
        let other = |t: &EndpointType| *t != EndpointType::Interface;
        let endpoints =
            cx.topology.endpoints.iter().filter(|e| !e.endpoint_type.as_ref().is_some_and(other));
        out.each(cx, endpoints, |endpoint, out| {
            stated(endpoint.endpoint_type.as_ref(), endpoint, "type")?;
            let groups = stated(endpoint.security_groups.as_ref(), endpoint, "security groups")?;
            let finding = match groups.len() {
                0 => out.fail("none"),
                count if count > MOST => out.fail("many"),
                _ => return Ok(()),
            };
            finding
                .on(endpoint, "security_groups")
                .fact("endpoint", endpoint.to_ref())
                .fact("id", endpoint.id())
                .fact("count", groups.len())
                .fact("most", MOST)
                .emit();
            Ok(())
        });
    }
}

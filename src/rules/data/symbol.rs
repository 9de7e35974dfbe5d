//! DATA003 and DATA006: values that stand only as symbols, because somebody masked them or because a
//! plan does not know them yet.

use std::collections::BTreeMap;

use crate::rules::facts::first_of;
use crate::rules::{
    Case, Context, Location, LocationRole, Pack, Rule, RuleMeta, Severity, Sink, values,
};
use crate::topology::{Kind, Observation, ObservationKind, ResourceRef};

/// Places that a finding lists; more of them tell nothing new.
const PLACES: usize = 5;

pub(crate) struct MaskedValue;

static MASKED: RuleMeta = RuleMeta {
    id: "DATA003",
    name: "masked-value",
    summary: "addresses and blocks are stated in full",
    severity: Severity::Note,
    pack: Pack::Engine,
    needs: &[],
    cases: &[
        Case {
            key: "masked",
            message: "`{text}` of {resources} is masked; it can be compared with itself, but nothing can be computed from it",
            help: "replace it everywhere by one made-up address, for example of 198.51.100.0/24 for public ones, or load the original",
        },
        Case {
            key: "unreadable",
            message: "`{text}` of {resources} is not what stands there in a network: no address and no block",
            help: "correct it; until then everything that depends on it is undetermined",
        },
    ],
    page: include_str!("../../../rules/DATA003-masked-value.md"),
};

impl Rule for MaskedValue {
    fn meta(&self) -> &'static RuleMeta {
        &MASKED
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let mut by_text: BTreeMap<(ObservationKind, &str), Vec<&Observation>> = BTreeMap::new();
        for observation in &cx.topology.observations {
            // what a plan will know later is DATA006's
            if observation.kind == ObservationKind::Masked || !is_plan_address(&observation.text) {
                by_text.entry((observation.kind, &observation.text)).or_default().push(observation);
            }
        }
        for ((kind, text), observations) in by_text {
            let mut resources: Vec<ResourceRef> =
                observations.iter().map(|o| o.resource.clone()).collect();
            resources.dedup();
            let mut draft = match kind {
                ObservationKind::Masked => out.fail("masked"),
                ObservationKind::Unreadable => {
                    let design = observations.iter().any(|o| cx.is_design_at(o.source.as_ref()));
                    out.fail("unreadable").severity(if design {
                        Severity::Error
                    } else {
                        Severity::Warning
                    })
                }
            };
            draft = draft
                .discriminator(text)
                .fact("text", text)
                .fact("resources", first_of(&resources, 3));
            for (n, observation) in observations.iter().take(PLACES).enumerate() {
                draft = draft.about(observation.resource.clone());
                if let Some(source) = &observation.source {
                    draft = draft.at(Location {
                        role: if n == 0 { LocationRole::Primary } else { LocationRole::Related },
                        source: source.clone(),
                        kind: observation.resource.kind,
                        field: Some(observation.field),
                        label: String::new(),
                    });
                }
            }
            draft.emit();
        }
    }
}

pub(crate) struct UnknownAtPlan;

static PLAN: RuleMeta = RuleMeta {
    id: "DATA006",
    name: "unknown-at-plan",
    summary: "values are known when the plan is checked",
    severity: Severity::Note,
    pack: Pack::Engine,
    needs: &[],
    cases: &[Case {
        key: "unknown",
        message: "{count} of the plan ({field} of {kind}) will be known only after it is applied: {symbols}",
        help: "nothing needs to be done; to check the values too, pin them in the configuration or check the state after the plan is applied",
    }],
    page: include_str!("../../../rules/DATA006-unknown-at-plan.md"),
};

impl Rule for UnknownAtPlan {
    fn meta(&self) -> &'static RuleMeta {
        &PLAN
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        // by kind and field, because a plan for new networks knows few addresses
        let mut unknown: BTreeMap<(Kind, &str), Vec<values::Stated<'_>>> = BTreeMap::new();
        for stated in values::all(cx.topology) {
            if stated.value.symbol().is_some_and(|text| is_plan_address(text)) {
                unknown.entry((stated.resource.kind(), stated.field)).or_default().push(stated);
            }
        }
        for ((kind, field), places) in unknown {
            let mut symbols: Vec<String> =
                places.iter().filter_map(|p| Some(format!("`{}`", p.value.symbol()?))).collect();
            symbols.sort();
            symbols.dedup();
            let count = match symbols.len() {
                1 => "one value".to_owned(),
                n => format!("{n} values"),
            };
            let mut draft = out
                .fail("unknown")
                .discriminator(kind.name())
                .discriminator(field)
                .fact("count", count)
                .fact("field", format!("`{field}`"))
                .fact("kind", kind)
                .fact("symbols", first_of(&symbols, 3));
            for (n, place) in places.iter().take(PLACES).enumerate() {
                draft = match n {
                    0 => draft.on(place.resource, place.field),
                    _ => draft.with(place.resource, place.field, ""),
                };
            }
            draft.emit();
        }
    }
}

/// True for addresses of attributes such as `module.net.alicloud_eip_address.nat[0].ip_address`:
/// a resource type with an underscore, a name and an attribute.
fn is_plan_address(text: &str) -> bool {
    let mut parts: Vec<&str> = text.split('.').collect();
    while parts.first() == Some(&"module") {
        parts.drain(..parts.len().min(2));
    }
    if parts.first() == Some(&"data") {
        parts.remove(0);
    }
    let [resource_type, name, attribute, ..] = parts.as_slice() else { return false };
    let word = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-[]\"".contains(c))
    };
    resource_type.contains('_') && word(resource_type) && word(name) && word(attribute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_addresses_are_told_from_masks() {
        for text in [
            "alicloud_eip_address.nat.ip_address",
            "module.net.alicloud_vswitch.app[0].cidr_block",
            "module.a.module.b.data.alicloud_eip_addresses.all.ids",
        ] {
            assert!(is_plan_address(text), "{text}");
        }
        for text in
            ["139.xxx.xx.107", "10.1.**.**", "alicloud_eip_address.nat", "a.b.c", "module.x"]
        {
            assert!(!is_plan_address(text), "{text}");
        }
    }
}

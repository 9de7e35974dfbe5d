//! EGR008: an EIP on a secondary ENI, whose replies need policy routing in the guest.

use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{EipMode, EipTarget, EniType, Resource};

pub(crate) struct SecondaryEniEipNeedsPolicyRouting;

static META: RuleMeta = RuleMeta {
    id: "EGR008",
    name: "secondary-eni-eip-needs-policy-routing",
    summary: "the guest behind an EIP on a secondary ENI answers from that ENI",
    severity: Severity::Note,
    pack: Pack::Strict,
    needs: &[],
    cases: &[Case {
        key: "guest",
        message: "{eip} is bound to {eni}, a secondary ENI; whether replies leave by it depends on the guest's routing, which no export shows",
        help: "route by source address in the guest (a rule for the ENI's address and a table with its own default route), then test an inbound connection",
    }],
    page: include_str!("../../../rules/EGR008-secondary-eni-eip-needs-policy-routing.md"),
};

impl Rule for SecondaryEniEipNeedsPolicyRouting {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        let on_enis = cx.topology.eips.iter().filter(|eip| {
            eip.target == Some(Some(EipTarget::Eni))
                && !matches!(eip.mode, Some(EipMode::Binded | EipMode::MultiBinded))
        });
        out.each(cx, on_enis, |eip, out| {
            let target = eip.target_id.as_ref().and_then(Option::as_ref);
            let eni = cx.eni(eip, target)?;
            if *stated(eni.eni_type.as_ref(), eni, "type")? != EniType::Secondary {
                return Ok(());
            }
            match eni.policy_routing {
                Some(true) => Ok(()),
                Some(false) | None => {
                    if eni.instance.is_none() {
                        return Err(Unknown::of(format!("instance of {} (not stated)", eni.id())));
                    }
                    out.fail("guest")
                        .on(eip, "target_id")
                        .with_whole(eni, "the secondary ENI")
                        .fact("eip", eip.to_ref())
                        .fact("eni", eni.to_ref())
                        .emit();
                    Ok(())
                }
            }
        });
    }
}

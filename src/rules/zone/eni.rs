//! ZONE005: a secondary ENI in another zone than its instance.

use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{EniType, Resource};

pub(crate) struct EniZoneMismatch;

static META: RuleMeta = RuleMeta {
    id: "ZONE005",
    name: "eni-zone-mismatch",
    summary: "an ENI is in the zone of its instance",
    severity: Severity::Error,
    pack: Pack::Default,
    needs: &[],
    cases: &[Case {
        key: "zone",
        message: "{eni} is in zone {eni_zone}, but {instance} is in {instance_zone}",
        help: "make the ENI anew on a vSwitch in {instance_zone}; the vSwitch may be another one than the instance's",
    }],
    page: include_str!("../../../rules/ZONE005-eni-zone-mismatch.md"),
};

impl Rule for EniZoneMismatch {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.enis, |eni, out| {
            let other = eni.eni_type == Some(EniType::Primary) || eni.service_managed == Some(true);
            let Some(Some(instance)) = &eni.instance else { return Ok(()) };
            if other {
                return Ok(());
            }
            let instance = cx.instance(eni, Some(instance))?;
            let own = match &eni.zone {
                Some(zone) => zone,
                None => {
                    let vswitch = cx.vswitch(eni, eni.vswitch.as_ref())?;
                    stated(vswitch.zone.as_ref(), vswitch, "zone")?
                }
            };
            let wanted = instance
                .zone
                .as_ref()
                .ok_or_else(|| Unknown::of(format!("zone of {} (not stated)", instance.id())))?;
            if own != wanted {
                out.fail("zone")
                    .on(eni, "zone")
                    .with(instance, "zone", "zone of the instance")
                    .fact("eni", eni.to_ref())
                    .fact("eni_zone", own)
                    .fact("instance", instance.to_ref())
                    .fact("instance_zone", wanted)
                    .emit();
            }
            Ok(())
        });
    }
}

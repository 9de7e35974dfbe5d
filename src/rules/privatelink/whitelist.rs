//! PL001: endpoints of accounts that the service does not admit.

use super::service_of;
use crate::rules::{Case, Context, Pack, Rule, RuleMeta, Severity, Sink, Unknown, stated};
use crate::topology::{ConnectionStatus, EndpointService, Id, Listing, Resource, Scope, Text};

pub(crate) struct ConsumerNotWhitelisted;

static META: RuleMeta = RuleMeta {
    id: "PL001",
    name: "consumer-not-whitelisted",
    summary: "the account of an endpoint is on the whitelist of its service, or owns the service",
    severity: Severity::Error,
    pack: Pack::Recommended,
    needs: &[],
    cases: &[
        Case {
            key: "refused",
            message: "account {account} of {endpoint} is not on the whitelist of {service}",
            help: "the owner of the service adds it: `aliyun privatelink AddUserToVpcEndpointService --ServiceId {service_id} --UserId {account}`",
        },
        Case {
            key: "connected",
            message: "{endpoint} is connected, but its account {account} is not on the whitelist of {service}",
            help: "add the account to the whitelist again if it shall stay, or disable the connection; what happens to it otherwise is not documented",
        },
    ],
    page: include_str!("../../../rules/PL001-consumer-not-whitelisted.md"),
};

impl Rule for ConsumerNotWhitelisted {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, cx: &Context<'_>, out: &mut Sink) {
        out.each(cx, &cx.topology.endpoints, |endpoint, out| {
            if endpoint.same_account == Some(true) {
                return Ok(()); // the owner is admitted implicitly
            }
            let consumer = Consumer {
                resource: endpoint,
                account: endpoint.meta.account.as_ref(),
                status: endpoint.connection_status.as_ref(),
            };
            judge(cx, &consumer, service_of(cx, endpoint)?, out)
        });
        out.each(cx, &cx.topology.endpoint_connections, |connection, out| {
            let loaded = |id: &Id| cx.topology.endpoints.get(id).is_some();
            if connection.endpoint.as_ref().is_some_and(loaded) {
                return Ok(()); // judged above
            }
            let id = stated(connection.service.as_ref(), connection, "service")?;
            let service = cx.topology.endpoint_services.get(id);
            let service = service
                .ok_or_else(|| Unknown::of(format!("endpoint service {id} (not in the input)")))?;
            let consumer = Consumer {
                resource: connection,
                account: connection.endpoint_account.as_ref(),
                status: connection.connection_status.as_ref(),
            };
            judge(cx, &consumer, service, out)
        });
    }
}

/// An endpoint as its own side or as the service side lists it.
struct Consumer<'a> {
    resource: &'a dyn Resource,
    account: Option<&'a Id>,
    status: Option<&'a ConnectionStatus>,
}

fn judge(
    cx: &Context<'_>,
    consumer: &Consumer<'_>,
    service: &EndpointService,
    out: &mut Sink,
) -> Result<(), Unknown> {
    let account = stated(consumer.account, consumer.resource, "account")?;
    if service.meta.account.as_ref() == Some(account) {
        return Ok(());
    }
    if service.users.iter().flatten().any(|user| admits(user, account)) {
        return Ok(());
    }
    let scope = Scope::around(&service.meta).with_parent(service.id());
    if service.users.is_none() || service.consumer_view == Some(true) {
        cx.need(Listing::EndpointServiceUsers, &scope)?;
        stated(service.users.as_ref(), service, "whitelist")?;
    }
    stated(service.meta.account.as_ref(), service, "owner")?;
    cx.need(Listing::EndpointServiceUsers, &scope)?;
    let connected = consumer.status == Some(&ConnectionStatus::Connected);
    out.fail(if connected { "connected" } else { "refused" })
        .severity(if connected { Severity::Warning } else { META.severity })
        .on_whole(consumer.resource)
        .with(service, "users", "the whitelist")
        .fact("account", account)
        .fact("endpoint", consumer.resource.to_ref())
        .fact("service", service.to_ref())
        .fact("service_id", service.id())
        .emit();
    Ok(())
}

/// Does a whitelist entry admit an account? It is an account id, `*`, or an ARN whose account field
/// is an id, `*` or empty (`acs:ram:*:<id>:*`; formats-api.md 4.7).
fn admits(user: &Text, account: &Id) -> bool {
    if &**user == "*" || **user == **account {
        return true;
    }
    let mut parts = user.split(':');
    parts.next() == Some("acs")
        && parts.nth(2).is_some_and(|field| field.is_empty() || field == "*" || *field == **account)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_accounts_wildcards_or_arns() {
        let account = Id::from("12345678");
        for user in ["12345678", "*", "acs:ram:*:12345678:*", "acs:ram:*::*", "acs:ram:*:*:*"] {
            assert!(admits(&Text::from(user), &account), "{user}");
        }
        for user in ["87654321", "acs:ram:*:87654321:*", "1234", "acs:ram", ""] {
            assert!(!admits(&Text::from(user), &account), "{user}");
        }
    }
}

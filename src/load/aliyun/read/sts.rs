//! Who made the calls (formats-api.md §4.8).

use super::Api;
use super::shared::row;
use crate::load::aliyun::reader::ReadContext;
use crate::load::aliyun::shape::Scalar;
use crate::topology::Listing;

pub(super) static APIS: &[Api] = &[Api {
    product: "sts",
    name: "GetCallerIdentity",
    listing: Listing::CallerIdentity,
    read: caller,
}];

row! {
    CallerBody<'a> {
        account_id: Scalar<'a>,
    }
}

/// Account of a `GetCallerIdentity` body, as a decimal text.
pub(crate) fn account_id(body: &str) -> Option<String> {
    let body: CallerBody<'_> = serde_json::from_str(body).ok()?;
    body.account_id.as_str().map(str::to_owned)
}

/// The body holds no resource; the loader asks [`account_id`] for what it says.
fn caller(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    let body: CallerBody<'_> = serde_json::from_str(body)?;
    cx.rows = u64::from(body.account_id.as_str().is_some());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::aliyun::read::testing::read;

    #[test]
    fn the_account_is_a_text_whatever_its_type() {
        let number = r#"{"AccountId":253460731706911258,"IdentityType":"RAMUser"}"#;
        assert_eq!(account_id(number).as_deref(), Some("253460731706911258"));
        assert_eq!(account_id(r#"{"AccountId":"42"}"#).as_deref(), Some("42"));
        assert_eq!(account_id(r#"{"Arn":"x"}"#), None);
        assert_eq!(read("sts", "GetCallerIdentity", number, &[]).1.rows, 1);
    }
}

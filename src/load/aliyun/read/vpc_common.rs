//! What the readers of the `vpc` product share.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::load::aliyun::reader::ReadContext;
use crate::load::aliyun::shape::{List, Scalar};
use crate::topology::{AddrValue, CidrValue, Id, Resource, Source};

/// Declares the reader of a listing: the rows under a top-level key, each given to a function that
/// adds what it says.
macro_rules! listing {
    ($(#[$doc:meta])* $name:ident, $key:literal, $row:ident => $add:ident) => {
        $(#[$doc])*
        fn $name(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
            #[derive(serde::Deserialize)]
            struct Body<'a> {
                #[serde(rename = $key, default, borrow)]
                rows: List<$row<'a>>,
            }
            let body: Body<'_> = serde_json::from_str(body)?;
            let sources = cx.sources(concat!("/", $key), &body.rows);
            cx.count(&body.rows);
            for (n, row) in body.rows.iter().enumerate() {
                $add(cx, row, sources.at(n));
            }
            Ok(())
        }
    };
}
pub(super) use listing;

/// Declares the reader of a detail call, whose body is the row.
macro_rules! detail {
    ($(#[$doc:meta])* $name:ident, $row:ident => $add:ident) => {
        $(#[$doc])*
        fn $name(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
            let row: $row<'_> = serde_json::from_str(body)?;
            cx.rows = 1;
            let source = cx.source("");
            $add(cx, &row, source);
            Ok(())
        }
    };
}
pub(super) use detail;

/// Counts the rows of a body that adds nothing to the model; the call is still recognised and its
/// rows are reported.
pub(super) fn counted_only(body: &str, cx: &mut ReadContext<'_>) -> Result<(), serde_json::Error> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(
            rename = "CenGrantRules",
            alias = "VSwitchCidrReservations",
            alias = "Services",
            alias = "AssociateNetworkInterfaces",
            default
        )]
        rows: List<IgnoredAny>,
    }
    let body: Body = serde_json::from_str(body)?;
    cx.count(&body.rows);
    Ok(())
}

/// Notes a row that has no id and can therefore not be loaded.
pub(super) fn without_id(cx: &mut ReadContext<'_>, key: &str, source: &Source) {
    cx.unattached.push(format!("the row at `{}` has no `{key}`", source.pointer()));
}

/// Ids of a list of ids; `None` when the key is missing.
pub(super) fn ids(list: &List<Scalar<'_>>) -> Option<Vec<Id>> {
    list.stated_some(Scalar::id)
}

/// The value as an address of `of`.
pub(super) fn addr(
    cx: &mut ReadContext<'_>,
    of: &dyn Resource,
    field: &'static str,
    value: &Scalar<'_>,
) -> Option<AddrValue> {
    value.as_str().map(|text| cx.addr(of, field, text))
}

/// The value as a block of `of`.
pub(super) fn cidr(
    cx: &mut ReadContext<'_>,
    of: &dyn Resource,
    field: &'static str,
    value: &Scalar<'_>,
) -> Option<CidrValue> {
    value.as_str().map(|text| cx.cidr(of, field, text))
}

/// The blocks of a list; `None` when the key is missing.
pub(super) fn cidrs(
    cx: &mut ReadContext<'_>,
    of: &dyn Resource,
    field: &'static str,
    list: &List<Scalar<'_>>,
) -> Option<Vec<CidrValue>> {
    list.stated_some(|text| Some(cx.cidr(of, field, text.as_str()?)))
}

/// The blocks of a comma-joined text; `None` when the key is missing.
pub(super) fn joined_cidrs(
    cx: &mut ReadContext<'_>,
    of: &dyn Resource,
    field: &'static str,
    value: &Scalar<'_>,
) -> Option<Vec<CidrValue>> {
    Some(value.split()?.into_iter().map(|text| cx.cidr(of, field, text)).collect())
}

/// The first of the values that is there, or the request parameter of that name.
pub(super) fn id_or_param(cx: &ReadContext<'_>, values: &[&Scalar<'_>], param: &str) -> Option<Id> {
    values.iter().find_map(|value| value.id()).or_else(|| cx.param(param).map(Id::from))
}

#[cfg(test)]
pub(super) mod testing {
    //! Reads one body the way the loader does.

    use std::collections::BTreeMap;

    use super::super::APIS;
    use crate::load::aliyun::reader::ReadContext;
    use crate::topology::{Draft, FileId, Id, Topology};

    /// What a body gives.
    pub(crate) struct Outcome {
        pub(crate) topology: Topology,
        pub(crate) rows: u64,
        pub(crate) unattached: Vec<String>,
    }

    /// Reads a body of `product`'s call `name` that was made with `params`.
    pub(crate) fn try_read(
        product: &str,
        name: &str,
        params: &[(&str, &str)],
        body: &str,
    ) -> Result<Outcome, serde_json::Error> {
        let api = APIS
            .iter()
            .flat_map(|apis| apis.iter())
            .find(|api| api.product == product && api.name == name)
            .unwrap_or_else(|| panic!("no reader for {product} {name}"));
        let params: BTreeMap<String, String> =
            params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut draft = Draft::default();
        let mut cx = ReadContext {
            params: &params,
            account: Some(Id::from("1000")),
            region: Some(Id::from("cn-hangzhou")),
            file: FileId(0),
            prefix: "",
            draft: &mut draft,
            unattached: Vec::new(),
            rows: 0,
        };
        (api.read)(body, &mut cx)?;
        let (rows, unattached) = (cx.rows, cx.unattached);
        Ok(Outcome { topology: draft.build(), rows, unattached })
    }

    /// Reads a body of the `vpc` product.
    pub(crate) fn read(name: &str, body: &str) -> Topology {
        try_read("vpc", name, &[], body).unwrap().topology
    }

    /// Reads a body of the `vpc` product that was asked with one parameter.
    pub(crate) fn read_with(name: &str, param: (&str, &str), body: &str) -> Topology {
        try_read("vpc", name, &[param], body).unwrap().topology
    }
}

#[cfg(test)]
mod tests {
    use super::testing::try_read;

    #[test]
    fn some_calls_are_only_counted() {
        let out = try_read(
            "vpc",
            "DescribeGrantRulesToCen",
            &[],
            r#"{"CenGrantRules":{"CbnGrantRule":[{"CenInstanceId":"cen-1"},{"CenInstanceId":"cen-2"}]}}"#,
        )
        .unwrap();
        assert_eq!(out.rows, 2);
        assert_eq!(out.topology.resources().count(), 0);
        let out = try_read(
            "vpc",
            "ListVSwitchCidrReservations",
            &[],
            r#"{"VSwitchCidrReservations":[{}]}"#,
        );
        assert_eq!(out.unwrap().rows, 1);
    }
}

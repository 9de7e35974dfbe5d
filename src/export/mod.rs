//! The export: the script of read-only `aliyun` calls that makes a complete export, and the RAM
//! policy that it needs. Both are written from the one table of calls, so that they cannot drift
//! apart, and the table names the listings that the loader keeps track of.

mod calls;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use calls::{CALLS, Call, NOT_EXPORTED, Paging, REGION};

use crate::topology::Listing;

/// The parts of the script that do not depend on region and calls.
const TEMPLATE: &str = include_str!("export.sh");

/// What an export is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptOptions {
    /// Region id, e.g. `cn-hangzhou`. The script refuses one that cannot be a file name.
    pub region: String,
    /// Restricts the listings that can be restricted to one VPC, and so their children. What is
    /// not of a VPC (EIPs, CEN, PrivateLink services, …) is still listed for the whole region.
    pub vpc: Option<String>,
}

/// The bash script that exports one region (formats-api.md §7, §8; decisions.md 24, 25).
///
/// The script writes `<out>/<account>/<region>/<product>.<Api>[@<parameter>=<value>,…].p<page>.json`
/// and `<out>/<account>/manifest.jsonl`; it exits with 0 when all calls succeeded, 1 when some
/// failed, 2 when it could not start. What it takes: `bash export.sh --help`.
pub fn script(options: &ScriptOptions) -> String {
    let vpc = options.vpc.as_deref().unwrap_or_default();
    let settings = format!("REGION={}\nVPC={}\n", quoted(&options.region), quoted(vpc));
    let calls = call_lines(options);
    let mut script = String::with_capacity(TEMPLATE.len() + settings.len() + calls.len());
    for line in TEMPLATE.lines() {
        match line {
            "#@settings" => script.push_str(&settings),
            "#@calls" => script.push_str(&calls),
            line => {
                script.push_str(line);
                script.push('\n');
            }
        }
    }
    script
}

/// True when a complete export has this listing. The others are read where an input has them, but
/// what they state is in the listings that are exported.
pub fn is_exported(listing: Listing) -> bool {
    !NOT_EXPORTED.contains(&listing)
}

/// The RAM policy document that permits the calls of [`script`], as JSON (formats-api.md §9).
///
/// Every action lists or describes. `Resource` is `*` because most of these actions cannot be
/// granted for single resources.
pub fn ram_policy() -> String {
    let actions: BTreeSet<String> = CALLS.iter().map(ram_action).collect();
    let mut actions = actions.iter().peekable();
    let mut policy = String::from(
        "{\n  \"Version\": \"1\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \
         \"Resource\": \"*\",\n      \"Action\": [\n",
    );
    while let Some(action) = actions.next() {
        let comma = if actions.peek().is_some() { "," } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(policy, "        \"{action}\"{comma}");
    }
    policy.push_str("      ]\n    }\n  ]\n}\n");
    policy
}

/// RAM names two products differently from the CLI (formats-api.md §9).
fn ram_action(call: &Call) -> String {
    let prefix = match call.api.product() {
        "cbn" => "cen",
        "vpcpeer" => "vpc",
        product => product,
    };
    format!("{prefix}:{}", call.api.name())
}

fn call_lines(options: &ScriptOptions) -> String {
    let mut lines = String::new();
    let mut product = "";
    for call in CALLS {
        if call.api == calls::Api::Known(Listing::CallerIdentity) {
            // The script makes this call before all others: it names the folder.
            continue;
        }
        if call.api.product() != product {
            product = call.api.product();
            let _ = writeln!(lines, "\n  say 'exporting {product}'");
        }
        let _ = writeln!(lines, "  {}", call_line(call, options));
    }
    lines
}

/// One command of the script, e.g.
/// `for_each vpc.DescribeVpcs '.Vpcs.Vpc[]? | [.VpcId]' 'VpcId' once vpc DescribeVpcAttribute`.
fn call_line(call: &Call, options: &ScriptOptions) -> String {
    let mut words = Vec::new();
    if let Some(each) = call.each {
        let fields: Vec<_> = each.parameters.iter().map(|(_, field)| format!(".{field}")).collect();
        let names: Vec<_> = each.parameters.iter().map(|(name, _)| *name).collect();
        words.push("for_each".to_owned());
        words.push(format!("{}.{}", each.over.product(), each.over.api()));
        words.push(quoted(&format!("{} | [{}]", each.objects, fields.join(", "))));
        words.push(quoted(&names.join(" ")));
    }
    if call.secrets {
        words.push("secret".to_owned());
    }
    if call.optional {
        words.push("optional".to_owned());
    }
    let (product, name) = (call.api.product(), call.api.name());
    words.push(match call.paging {
        Paging::Single => format!("once {product} {name}"),
        Paging::Number { parameter, size, rows, total } => {
            format!("by_page {product} {name} {parameter} {size} {rows} {total}")
        }
        Paging::Token { parameter, size, rows } => {
            format!("by_token {product} {name} {parameter} {size} {rows}")
        }
    });
    for (parameter, value) in call.with {
        let value = if *value == REGION { "\"$REGION\"" } else { value };
        words.push(format!("{parameter} {value}"));
    }
    if let (Some(parameter), Some(_)) = (call.vpc_parameter, &options.vpc) {
        words.push(format!("{parameter} \"$VPC\""));
    }
    words.join(" ")
}

/// A shell word that stands for exactly this text.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;

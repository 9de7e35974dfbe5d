//! `check` for people: every finding with the lines it is about, then what could not be decided,
//! then one line that sums up.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::io::{self, Write};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use textwrap::{WordSeparator, WordSplitter};

use super::clean::clean;
use super::excerpt::Excerpt;
use super::paint::Paint;
use super::place::{Checked, Located, Spot, Texts};
use super::plural;
use crate::rules::{Severity, Undetermined};

/// Columns at which messages are wrapped.
const WIDTH: usize = 100;
/// Missing things that are listed per group of undetermined rules.
const MISSING_SHOWN: usize = 3;

/// Places of one finding that are shown.
const PLACES_SHOWN: usize = 6;

/// How much to print.
#[derive(Debug, Clone, Copy)]
pub struct TextOptions {
    /// Colours.
    pub paint: Paint,
    /// Leave out everything but the findings.
    pub quiet: bool,
    /// List everything that is missing, not only the first few.
    pub verbose: bool,
}

/// Writes a check for people.
pub fn write(
    out: &mut dyn Write,
    checked: &Checked<'_>,
    texts: &dyn Texts,
    options: TextOptions,
) -> io::Result<()> {
    let renderer = renderer(options.paint);
    let mut text = String::new();
    for located in &checked.findings {
        text.clear();
        let shown = if options.verbose { usize::MAX } else { PLACES_SHOWN };
        for block in blocks(located, texts, shown) {
            renderer.render_report(&mut text, &block).map_err(io::Error::other)?;
        }
        text.push('\n');
        out.write_all(text.as_bytes())?;
    }
    if options.quiet {
        return Ok(());
    }
    write_undetermined(out, checked, options)?;
    writeln!(out, "{}", options.paint.bold(summary(checked)))
}

fn renderer(paint: Paint) -> GraphicalReportHandler {
    let mut theme =
        if paint.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    theme.characters.error = "error:".to_owned();
    theme.characters.warning = "warning:".to_owned();
    theme.characters.advice = "note:".to_owned();
    GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(WIDTH)
        .with_break_words(false)
        // names are not torn at their hyphens
        .with_word_separator(WordSeparator::AsciiSpace)
        .with_word_splitter(WordSplitter::NoHyphenation)
        .with_context_lines(1)
        .tab_width(4)
}

/// One block of the renderer: a message with one excerpt. A finding is one block, and one more for
/// each place that lies elsewhere.
#[derive(Debug)]
struct Block {
    header: Option<String>,
    severity: Severity,
    message: String,
    help: Option<String>,
    excerpt: Option<Excerpt>,
}

fn blocks(located: &Located<'_>, texts: &dyn Texts, shown: usize) -> Vec<Block> {
    let finding = located.finding;
    let mut blocks = Vec::new();
    let mut header = Some(format!("{} {}", finding.rule.id, finding.rule.name));
    let mut rest: Vec<Spot<'_>> = located.spots.iter().take(shown).cloned().collect();
    let hidden = located.spots.len() - rest.len();
    loop {
        let is_first = header.is_some();
        let spot = rest.first();
        if spot.is_none() && !is_first {
            break;
        }
        let mut message = match spot {
            _ if is_first => clean(&finding.message),
            Some(spot) if !spot.label.is_empty() => clean(spot.label),
            _ => "see also".to_owned(),
        };
        if let Some(first) = rest.first_mut().filter(|_| !is_first) {
            // said by the message
            first.label = "";
        }
        let spot = rest.first();
        let excerpt =
            spot.and_then(|s| texts.text(s.place.file_id)).and_then(|t| Excerpt::cut(t, &rest));
        if let Some(Spot { place, .. }) = spot
            && excerpt.is_none()
        {
            let at = clean(format_args!("{}:{}:{}", place.file, place.line, place.column));
            message = format!("{message} ({at})");
        }
        let mut index = 0..;
        rest.retain(|_| {
            let n = index.next().unwrap_or(0);
            n > 0 && !excerpt.as_ref().is_some_and(|e| e.has(n))
        });
        let severity = if is_first { finding.severity } else { Severity::Note };
        blocks.push(Block { header: header.take(), severity, message, help: None, excerpt });
    }
    if hidden > 0 {
        let message = format!("and {hidden} more places (`--verbose` shows them)");
        let severity = Severity::Note;
        blocks.push(Block { header: None, severity, message, help: None, excerpt: None });
    }
    if let Some(last) = blocks.last_mut() {
        last.help = Some(clean(&finding.help)).filter(|help| !help.is_empty());
    }
    blocks
}

impl Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Block {}

impl Diagnostic for Block {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.header.as_ref().map(|header| Box::new(header) as Box<dyn Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.excerpt.as_ref().map(|e| Box::new(e.marks()) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

/// What could not be decided: rules that miss the same things share a line.
fn write_undetermined(
    out: &mut dyn Write,
    checked: &Checked<'_>,
    options: TextOptions,
) -> io::Result<()> {
    if checked.undetermined.is_empty() {
        return Ok(());
    }
    let paint = options.paint;
    writeln!(out, "{}", paint.bold("could not decide"))?;
    let mut groups: BTreeMap<Vec<&str>, Vec<&Undetermined>> = BTreeMap::new();
    for undetermined in checked.undetermined {
        let missing = undetermined.missing.iter().map(String::as_str).collect();
        groups.entry(missing).or_default().push(undetermined);
    }
    let mut lines: Vec<(Vec<&Undetermined>, Vec<&str>)> =
        groups.into_iter().map(|(missing, rules)| (rules, missing)).collect();
    lines.sort_by_key(|(rules, _)| rules.first().map(|u| u.rule.id));
    for (rules, missing) in lines {
        let names: Vec<&str> = rules.iter().map(|u| u.rule.id).collect();
        let shown = if options.verbose { missing.len() } else { MISSING_SHOWN };
        let list = list_some(&missing, shown);
        writeln!(out, "  {}: {}", paint.bold(names.join(", ")), clean(list))?;
    }
    writeln!(
        out,
        "  help: `vpclint export-commands --region REGION` prints the calls of a complete export\n"
    )
}

/// The first few items and how many more there are.
fn list_some(items: &[&str], shown: usize) -> String {
    let mut text = items.iter().take(shown).copied().collect::<Vec<_>>().join(", ");
    if items.len() > shown {
        text.push_str(&format!(", and {} more", items.len() - shown));
    }
    text
}

/// The line that every run ends with: what was checked, found, and could not be decided.
pub fn summary(checked: &Checked<'_>) -> String {
    let count =
        |severity| checked.findings.iter().filter(|l| l.finding.severity == severity).count();
    let mut parts = Vec::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let n = count(severity);
        if n > 0 {
            parts.push(plural(n, severity.name()));
        }
    }
    let found = if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") };
    let mut line = format!(
        "checked {} on {} in {}: {found}",
        plural(checked.rules, "rule"),
        plural(checked.resources, "resource"),
        plural(checked.files, "file"),
    );
    if !checked.undetermined.is_empty() {
        let missing: std::collections::BTreeSet<&str> =
            checked.undetermined.iter().flat_map(|u| &u.missing).map(String::as_str).collect();
        let missing: Vec<&str> = missing.into_iter().collect();
        line.push_str(&format!(
            " · {} undetermined (missing {})",
            plural(checked.undetermined.len(), "rule"),
            clean(list_some(&missing, 2)),
        ));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{self, Files};

    fn render(files: &Files) -> String {
        let outcome = fixture::outcome();
        let checked = fixture::checked(&outcome, files);
        let mut out = Vec::new();
        let options = TextOptions { paint: Paint::PLAIN, quiet: false, verbose: false };
        write(&mut out, &checked, files, options).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_finding_with_a_place_in_another_file() {
        let text = render(&fixture::pretty());
        assert_in_order(
            &text,
            &[
                "CIDR001 vswitch-outside-vpc",
                "  error: 10.1.0.0/24 of vSwitch vsw-1 is not in VPC vpc-1",
                "   ╭─[export/vswitches.json:4:21]",
                " 4 │       \"CidrBlock\":  \"10.1.0.0/24\"",
                "  note: the block of the VPC",
                "   ╭─[export/vpcs.json:4:20]",
                "   ·                    ─────────────",
                "  help: give the vSwitch a block inside 10.0.0.0/16",
            ],
        );
    }

    /// Asserts that the lines occur in this order.
    fn assert_in_order(text: &str, lines: &[&str]) {
        let mut rest = text;
        for line in lines {
            let found = rest.split_once(line);
            (_, rest) = found.unwrap_or_else(|| panic!("no `{line}` in\n{text}"));
        }
    }

    #[test]
    fn the_last_line_sums_up() {
        let text = render(&fixture::pretty());
        assert_eq!(
            text.lines().last().unwrap(),
            "checked 7 rules on 12 resources in 2 files: 1 error, 1 note · 2 rules undetermined \
             (missing DescribeRouteEntryList for vtb-1 (not in the input))"
        );
        assert!(text.contains("  NAT009, NAT010: DescribeRouteEntryList for vtb-1"));
    }

    #[test]
    fn one_line_of_200_kilobytes_is_cut_around_the_place() {
        let text = render(&fixture::one_line(200_000));
        assert!(text.contains("[export/vswitches.json:1:181815]"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() < 300), "{text}");
    }

    #[test]
    fn hostile_text_is_shown_as_escapes() {
        let text = render(&fixture::hostile());
        assert!(text.contains("\\u{1b}"), "{text}");
        for c in ['\u{1b}', '\u{202e}', '\u{7}'] {
            assert!(!text.contains(c), "{c:?} in {text}");
        }
    }
}

//! Comma-separated values that a spreadsheet may open without harm.

/// What makes a spreadsheet take a cell for a formula (OWASP: CSV injection).
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A table as comma-separated values. What a spreadsheet would take for a formula gets an apostrophe in front.
pub(crate) fn write<R: AsRef<[String]>>(heading: &[&str], rows: impl IntoIterator<Item = R>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail, and all rows are as long as the heading.
    let written = writer.write_record(heading).and_then(|()| {
        rows.into_iter()
            .try_for_each(|row| writer.write_record(row.as_ref().iter().map(|cell| harmless(cell))))
    });
    if let Err(error) = written {
        tracing::error!(%error, "a table could not be written whole");
    }
    // Spreadsheets take a file for UTF-8 only if it begins like this.
    format!("\u{feff}{}", String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default())
}

fn harmless(cell: &str) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_text_and_commas_are_quoted() {
        let rows = [["=HYPERLINK(\"http://x\")", "a,b"], ["@SUM(1)", "-5"], ["\t=1", "plain \"q\""]];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(
            write(&["one", "two"], rows),
            "\u{feff}one,two\n\"'=HYPERLINK(\"\"http://x\"\")\",\"a,b\"\n'@SUM(1),'-5\n'\t=1,\"plain \"\"q\"\"\"\n"
        );
    }
}

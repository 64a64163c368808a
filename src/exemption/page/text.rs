//! A page as plain text: names and values, tables as one paragraph a row.

use std::fmt::Write as _;

use super::{Block, Grid};

pub(super) fn written(blocks: &[Block]) -> String {
    let mut text = String::new();
    for block in blocks {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n== {} ==", block.title);
        for (name, value) in &block.rows {
            let _ = writeln!(text, "{name}: {value}");
        }
        for line in block.table.iter().flat_map(lines) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

fn lines(grid: &Grid) -> impl Iterator<Item = String> {
    grid.rows.iter().map(|row| {
        let cells: Vec<_> = grid.header.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty()).collect();
        let rest: Vec<_> = cells.into_iter().map(|(name, cell)| format!("    {name}: {cell}")).collect();
        format!("- {}\n{}", row.first().map_or("", String::as_str), rest.join("\n"))
    })
}

//! The cells of a file as rows under known headings. Cells are taken one by one as they stand in the file, so that nothing grows with
//! what a sheet claims to be.

use std::{collections::BTreeMap, io::Cursor, path::Path, rc::Rc};

use anyhow::{Context, Result, bail};
use calamine::{Dimensions, Reader, SheetType, SheetVisible, Xlsx};

use super::{
    Fault, MOST_ROWS, Row,
    cell::Saved,
    columns::{Heading, What},
    guard, template,
};

/// Where headings are looked for.
const HEADING_WITHIN: u32 = 20;
/// How many columns make a row a row of headings, its key among them.
const HEADINGS: usize = 3;
/// The most columns of a sheet.
const MOST_COLUMNS: u32 = 1_000;
/// The most merged regions of a sheet that are looked at.
const MOST_MERGED: usize = MOST_ROWS * 4;

/// What the sheets of a file hold.
pub(super) struct Grid {
    /// The columns that they have, in the order in which they first stand.
    pub columns: Vec<usize>,
    pub rows: Vec<Row>,
    pub notes: Vec<String>,
}

/// A sheet on the way.
struct Sheet<'a> {
    what: What,
    name: Rc<str>,
    /// What each of its columns is; nothing as long as the headings were not found.
    headings: Option<BTreeMap<u32, Heading>>,
    /// Where a merged region begins, by column and row, and its last row.
    merged: BTreeMap<(u32, u32), u32>,
    /// What a merged region holds for the rows below: column, last row, cell.
    held: BTreeMap<u32, (u32, Saved)>,
    has_cells: bool,
    grid: &'a mut Grid,
}

/// Reads the visible sheets of a file.
pub(super) fn read(file: &Path, what: What) -> Result<Grid> {
    let bytes = guard::read(file)?;
    // The crate that reads cells counts rows and columns without looking whether the count overflows: a file that is made for that is
    // refused like any other that is damaged.
    std::panic::catch_unwind(|| sheets(file, bytes, what)).unwrap_or_else(|_| bail!("{0} 已损坏 · {0} is damaged", file.display()))
}

fn sheets(file: &Path, bytes: Vec<u8>, what: What) -> Result<Grid> {
    let name = file.display();
    let mut book: Xlsx<_> =
        Xlsx::new(Cursor::new(bytes)).with_context(|| format!("{name} 不是可读的 .xlsx · {name} is no readable .xlsx"))?;
    let mut grid = Grid { columns: Vec::new(), rows: Vec::new(), notes: Vec::new() };
    let mut found = false;
    for sheet in book.sheets_metadata().to_vec() {
        if sheet.typ != SheetType::WorkSheet || template::is_ours_to_skip(&sheet.name) {
            continue;
        }
        if sheet.visible != SheetVisible::Visible {
            grid.notes.push(format!("隐藏的工作表未读取 · hidden sheet not read: {}", sheet.name));
            continue;
        }
        let whole = read_sheet(&mut book, &sheet.name, what, &mut grid);
        let (has_headings, has_cells) = whole.with_context(|| format!("{name}，工作表 · sheet {}", sheet.name))?;
        found |= has_headings;
        if !has_headings && has_cells {
            grid.notes.push(format!("没有表头的工作表未读取 · sheet without known headings not read: {}", sheet.name));
        }
    }
    if !found {
        let key = what.place(what.key()).and_then(|at| what.columns().get(at)).map_or("", |column| column.zh);
        bail!("{name} 没有含“{key}”的表头行；用 tongguan template 生成模板 · {name} has no row of headings; tongguan template writes one");
    }
    Ok(grid)
}

type Book = Xlsx<Cursor<Vec<u8>>>;

fn read_sheet(book: &mut Book, name: &str, what: What, grid: &mut Grid) -> Result<(bool, bool)> {
    let regions = book.merge_cells_by_sheet_name(name)?;
    if regions.len() > MOST_MERGED {
        bail!("合并单元格过多 · too many merged cells");
    }
    let merged = regions.into_iter().filter(|region| region.end.0 > region.start.0).map(downwards).collect();
    let mut sheet = Sheet { what, name: Rc::from(name), headings: None, merged, held: BTreeMap::new(), has_cells: false, grid };
    let mut reader = book.worksheet_cells_reader(name)?;
    let (mut at, mut cells) = (0, BTreeMap::new());
    while let Some(record) = reader.next_cell_with_formula_metadata()? {
        let (row, column) = record.pos;
        if row != at {
            sheet.row(at, std::mem::take(&mut cells))?;
            at = row;
        }
        let Some(saved) = Saved::of(&record.value, record.formula.is_some()) else { continue };
        if column >= MOST_COLUMNS {
            bail!("第 {} 行超过 {MOST_COLUMNS} 列 · row {} has more than {MOST_COLUMNS} columns", u64::from(row) + 1, u64::from(row) + 1);
        }
        cells.insert(column, saved);
    }
    sheet.row(at, cells)?;
    Ok((sheet.headings.is_some(), sheet.has_cells))
}

/// A region that reaches over several columns belongs to its first one, as Excel has it.
fn downwards(region: Dimensions) -> ((u32, u32), u32) {
    ((region.start.1, region.start.0), region.end.0)
}

impl Sheet<'_> {
    fn row(&mut self, at: u32, mut cells: BTreeMap<u32, Saved>) -> Result<()> {
        if cells.is_empty() {
            return Ok(());
        }
        self.has_cells = true;
        if self.headings.is_none() {
            return self.look_for_headings(at, &cells);
        }
        for (column, saved) in &cells {
            if let Some(last) = self.merged.get(&(*column, at)) {
                self.held.insert(*column, (*last, saved.clone()));
            }
        }
        // A row that has nothing of its own is empty, however far a region reaches.
        for (column, (last, saved)) in &self.held {
            if at <= *last {
                cells.entry(*column).or_insert_with(|| saved.clone());
            }
        }
        self.take(at, &cells)
    }

    fn look_for_headings(&mut self, at: u32, cells: &BTreeMap<u32, Saved>) -> Result<()> {
        if at >= HEADING_WITHIN {
            return Ok(());
        }
        let headings: BTreeMap<_, _> = cells.iter().map(|(column, saved)| (*column, self.what.heading(&saved.as_heading()))).collect();
        let known: Vec<_> =
            headings.values().filter_map(|heading| if let Heading::Column(place) = heading { Some(*place) } else { None }).collect();
        if known.len() < HEADINGS || !known.iter().any(|place| Some(*place) == self.what.place(self.what.key())) {
            return Ok(());
        }
        let unknown: Vec<_> = cells
            .iter()
            .filter(|(column, _)| headings.get(column) == Some(&Heading::Unknown))
            .map(|(_, saved)| saved.as_heading().replace('\n', " "))
            .collect();
        if !unknown.is_empty() {
            let unknown: String = unknown.join("、").chars().take(300).collect();
            bail!("不认识的列：{unknown}。请删除，或在表头前加 # · columns that nobody knows: delete them, or begin their heading with #");
        }
        for (index, place) in known.iter().enumerate() {
            if known.iter().take(index).any(|earlier| earlier == place) {
                let column = self.what.columns().get(*place).map_or("", |column| column.zh);
                bail!("列重复：{column} · a column stands twice");
            }
            if !self.grid.columns.contains(place) {
                self.grid.columns.push(*place);
            }
        }
        self.headings = Some(headings);
        Ok(())
    }

    fn take(&mut self, at: u32, saved: &BTreeMap<u32, Saved>) -> Result<()> {
        let Some(headings) = &self.headings else { return Ok(()) };
        let (mut cells, mut faults) = (BTreeMap::new(), Vec::new());
        for (column, saved) in saved {
            match headings.get(column) {
                Some(Heading::Mark) if saved.as_heading().trim_start().starts_with('#') => return Ok(()),
                Some(Heading::Column(place)) => {
                    let Some(column) = self.what.columns().get(*place) else { continue };
                    match saved.read(column.form) {
                        Ok(text) => drop(cells.insert(*place, text)),
                        Err((rule, detail)) => faults.push(Fault { column: *place, rule, detail }),
                    }
                }
                _ => {}
            }
        }
        if cells.is_empty() && faults.is_empty() {
            return Ok(());
        }
        if self.grid.rows.len() == MOST_ROWS {
            bail!("超过 {MOST_ROWS} 行，请拆分文件 · more than {MOST_ROWS} rows: split the file");
        }
        self.grid.rows.push(Row { sheet: Rc::clone(&self.name), number: usize::try_from(at)? + 1, cells, faults });
        Ok(())
    }
}

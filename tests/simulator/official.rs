//! What the simulated customs writes, held against the authority's schemas by xmllint. `TONGGUAN_OFFICIAL` names the folder that
//! holds them; where it is not set there is nothing to compare with, and the test says so and passes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tongguan::{
    declaration::Kind,
    message::dxp,
    simulator::{Movement, Oddities, Options, Outcome, Rule, Script},
};

use super::{
    kinds::whole_story,
    send_many,
    stage::{ROADS, Stage, files, parcel, quick},
};

fn check(schemas: &Path, schema: &str, folder: &Path, documents: &[Vec<u8>]) {
    let mut command = Command::new("xmllint");
    command.args(["--noout", "--nonet", "--schema"]).arg(schemas.join(schema));
    for (index, document) in documents.iter().enumerate() {
        let file: PathBuf = folder.join(format!("{schema}.{index}.xml"));
        fs::write(&file, document.strip_prefix(b"\0").unwrap_or(document)).unwrap();
        command.arg(file);
    }
    assert!(!documents.is_empty(), "nothing for {schema}");
    let output = command.output().expect("xmllint must be installed (Debian: libxml2-utils)");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{schema}: {}",
        said.lines().filter(|line| !line.ends_with(" validates")).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn what_customs_writes_fits_the_official_schemas() {
    let Some(official) = std::env::var_os("TONGGUAN_OFFICIAL") else {
        return println!("left out: TONGGUAN_OFFICIAL names no folder of official schemas");
    };
    let schemas = Path::new(&official).join("official");
    let oddities = Oddities { shell: 300, zero_byte: 200, time_out: 300, stranger: 200, port_failed: 0, silence: 0, ..Oddities::demo() };
    // Some of the parcels are poison, so that refusals of whole messages are among the answers.
    let poison = [3, 7, 12].map(|index| Rule::of_order(Kind::Order, &parcel(index).0.order.order_no, Outcome::Poison));
    let script = Script { rule: poison.into() };
    let mut many = Stage::new(Options { oddities, script, receipts_per_message: 4, ..quick() });
    send_many(&mut many);
    many.pass_time();
    let mut every_kind = Stage::new(Options { movement: Movement::Reported, receipts_per_message: 1, ..quick() });
    whole_story(&mut every_kind);
    let (mut terminal, mut transport, mut export, mut format) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (stage, folder, road) in
        [&many, &every_kind].into_iter().zip(["in", "received"]).flat_map(|(stage, folder)| ROADS.map(|road| (stage, folder, road)))
    {
        for (name, bytes) in files(&stage.folder(road, folder)) {
            let Ok(opened) = dxp::open(&bytes) else {
                assert!(name.starts_with("garbage"), "{name}");
                continue;
            };
            let shell = bytes.windows(8).any(|part| part == b"DxpMsgSv");
            if shell {
                transport.push(bytes.clone())
            } else {
                terminal.push(bytes.clone())
            }
            let dxp::Opened::Envelope(envelope) = opened else { continue };
            match envelope.msg_type.as_str() {
                "CEB900Message" => format.push(envelope.data),
                // The schema demands invtNo in every 604, which customs has not given before 120.
                "CEB604Message" if String::from_utf8_lossy(&envelope.data).contains("<returnStatus>2<") => {}
                "CEB604Message" if String::from_utf8_lossy(&envelope.data).contains("<ceb:returnStatus>2<") => {}
                _ => export.push(envelope.data),
            }
        }
    }
    check(&schemas, "dxp-terminal.xsd", many.place.path(), &terminal);
    check(&schemas, "dxp-transport.xsd", many.place.path(), &transport);
    check(&schemas, "ceb-export-202205.xsd", many.place.path(), &export);
    check(&schemas, "ceb-import-202205.xsd", many.place.path(), &format);
}

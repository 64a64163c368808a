//! Feeds one target with what AFL++ makes up, or, with files named, with those.

mod targets;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let Some((_, target)) = targets::TARGETS.into_iter().find(|(known, _)| *known == name) else {
        let names: Vec<_> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: fuzz {} [FILE…]", names.join("|"));
        std::process::exit(2);
    };
    let files: Vec<_> = arguments.collect();
    if files.is_empty() {
        afl::fuzz!(|bytes: &[u8]| target(bytes));
    }
    for file in files {
        let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        target(&bytes);
        println!("{file}: ok");
    }
}

//! Mutations of intact files: whatever is cut, flipped, removed, doubled or renamed in them, each ends published or refused with a code
//! that does not blame Reelgate, and no worker falls silent.
//!
//! `REELGATE_MUTANTS` sets their number (a long run: 10,000); the first has the seed `REELGATE_SEED`, and each the next one, so a seed
//! alone makes its file again. What fails is kept in `target/tmp/mutants`.

mod elements;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::random::{Random, number};
use crate::support::{TempHome, outcome};
use elements::elements;

const MUTANTS: u64 = 300;
const SEED: u64 = 20_261_129;
/// Files in one run of the gate: what they leave behind is deleted after each.
const BATCH: usize = 100;
/// A small rung, few samples, and a worker that says nothing for ten seconds is stuck.
const SETTINGS: &str = "[media.video]\npreset = \"ultrafast\"\n\
     [[media.video.rungs]]\nheight = 90\nbitrate_bps = 200000\n\
     [media.sample]\nsamples = 5\n\
     [media.budgets.inspect.base]\nstall_s = 10\n[media.budgets.video.base]\nstall_s = 10\n\
     [media.budgets.audio.base]\nstall_s = 10\n[media.budgets.enrich.base]\nstall_s = 10\n";
/// Numbers that parsers get wrong.
const ODD_NUMBERS: [u32; 9] = [0, 1, 7, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];

#[test]
fn mutated_files_are_published_or_refused_and_never_blamed_on_us() {
    let (count, seed) = (number("REELGATE_MUTANTS", MUTANTS), number("REELGATE_SEED", SEED));
    println!("{count} mutations from REELGATE_SEED={seed} on");
    let intact: Vec<PathBuf> = reelgate_test_media::all()
        .into_iter()
        .filter(|file| file.is_published())
        .map(|file| file.path)
        .collect();
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutants");
    let seeds: Vec<u64> = (seed..seed + count).collect();
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    // No wait for a worker is longer than the stage in which it was waited.
    let mut longest = (0.0, String::new());
    for batch in seeds.chunks(BATCH) {
        let home = TempHome::new();
        let settings = home.file("settings/config.toml");
        std::fs::write(&settings, SETTINGS).unwrap();
        let folder = home.file("mutants/x").parent().unwrap().to_path_buf();
        for seed in batch {
            let (name, bytes) = mutant(&intact, *seed);
            std::fs::write(folder.join(format!("{seed} {name}")), bytes).unwrap();
        }
        let (_, run) = home.run_with(&["--config", settings.to_str().unwrap()], &[&folder]);
        assert_eq!(run.len(), batch.len(), "one line for each file");
        for line in &run {
            *ends.entry(outcome(line).to_owned()).or_default() += 1;
            let path = Path::new(line["source"]["path"].as_str().unwrap());
            let named = path.file_name().unwrap().to_str().unwrap();
            for stage in line["stages"].as_array().unwrap() {
                let seconds = stage["seconds"].as_f64().unwrap();
                if seconds > longest.0 {
                    longest = (seconds, format!("{} of {named}", stage["stage"]));
                }
            }
            if outcome(line) == "decoder_crashed" {
                println!("{named}: a decoder crashed in the jail");
            }
            if is_wrong(line) {
                std::fs::create_dir_all(&kept).unwrap();
                std::fs::copy(path, kept.join(named)).unwrap();
                wrong.push(format!("{named}: {}", line["reason"]));
            }
        }
    }
    println!("{ends:#?}");
    println!("longest stage of a file: {:.1} s, {}", longest.0, longest.1);
    assert!(wrong.is_empty(), "kept in {}, named by their seeds: {wrong:#?}", kept.display());
}

/// Whether a worker fell silent, or Reelgate blames itself.
fn is_wrong(line: &Value) -> bool {
    let is_refused = ["rejected", "quarantined"].contains(&line["state"].as_str().unwrap());
    let class = line["reason"]["class"].as_str().unwrap_or_default();
    let is_ended = line["state"] == "published" || (is_refused && ["bad_media", "policy"].contains(&class));
    !is_ended || outcome(line) == "budget_wall"
}

/// The mutant of a seed: the name of the intact file, and the bytes.
fn mutant(intact: &[PathBuf], seed: u64) -> (String, Vec<u8>) {
    let mut random = Random(seed);
    let path = &intact[random.below(intact.len() as u64) as usize];
    let mut data = std::fs::read(path).unwrap();
    for _ in 0..=random.below(3) {
        mutate(&mut data, &mut random);
    }
    (path.file_name().unwrap().to_str().unwrap().to_owned(), data)
}

fn mutate(data: &mut Vec<u8>, random: &mut Random) {
    if data.len() < 64 {
        return;
    }
    let parts = elements(data);
    if parts.is_empty() || random.below(4) == 0 {
        return anywhere(data, random);
    }
    let pick = |random: &mut Random| parts[random.below(parts.len() as u64) as usize].clone();
    let part = pick(random);
    match random.below(8) {
        0 => {
            data.drain(part.at);
        }
        1 => {
            let copy = data[part.at.clone()].to_vec();
            data.splice(part.at.end..part.at.end, copy);
        }
        2 => {
            let other = pick(random);
            let (first, second) = if part.at.start < other.at.start { (part, other) } else { (other, part) };
            if first.at.end <= second.at.start {
                let (left, right) = (data[first.at.clone()].to_vec(), data[second.at.clone()].to_vec());
                data.splice(second.at, left);
                data.splice(first.at, right);
            }
        }
        3 => odd_number(data, part.size, random),
        4 => {
            let id = data[pick(random).id].to_vec();
            data.splice(part.id, id);
        }
        5 => {
            let at = part.id.start + random.below(part.id.len() as u64) as usize;
            data[at] ^= 1 << random.below(8);
        }
        // The header of a part, and what a parser reads first of it: counts, versions, times of a PES packet.
        _ => {
            let reach = part.at.len().min(64) as u64;
            let at = part.at.start + random.below(reach) as usize;
            odd_number(data, at..at + 4, random);
        }
    }
}

fn odd_number(data: &mut [u8], at: std::ops::Range<usize>, random: &mut Random) {
    let odd = match random.below(3) {
        0 => u32::try_from(random.below(1 << 32)).unwrap(),
        _ => ODD_NUMBERS[random.below(ODD_NUMBERS.len() as u64) as usize],
    };
    let end = at.end.min(data.len());
    let field = &mut data[at.start.min(end)..end];
    for (at, byte) in field.iter_mut().rev().enumerate() {
        *byte = odd.to_be_bytes().iter().rev().nth(at).copied().unwrap_or(0);
    }
}

fn anywhere(data: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(data.len() as u64) as usize;
    let len = (1 + random.below(512) as usize).min(data.len() - at);
    match random.below(6) {
        0 => data.truncate(at.max(32)),
        1 => {
            for _ in 0..=random.below(20) {
                let at = random.below(data.len() as u64) as usize;
                data[at] ^= 1 << random.below(8);
            }
        }
        2 => data[at..at + len].fill(0),
        3 => data[at..at + len].iter_mut().for_each(|byte| *byte = random.below(256) as u8),
        4 => {
            data.drain(at..at + len);
        }
        _ => {
            let copy = data[at..at + len].to_vec();
            data.splice(at..at, copy);
        }
    }
}

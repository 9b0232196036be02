//! How near estimates are to what was spent: encodes short films of one profile that differ in length and in what they show, and
//! compares each with the estimate that was made before.
//!
//! `estimates [FILMS [DIRECTORY]]`: how many films, 50 if nothing is said, and where they are kept. Prints the share of films within
//! 30 % with the table of the first day, the share within 10 % once eight films were processed, and the paces that were learned, in the
//! form of `deploy/prices/paces.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use reelgate_cost::estimate::Paces;
use reelgate_embedded::sqlite::SqliteStore;
use reelgate_ports::clock::SystemClock;
use reelgate_ports::store::Queries as _;
use serde_json::Value;

/// Films after which paces count as learned.
const LEARNED: usize = 8;
/// Pictures to cut films from: people, animals, drawn landscapes; and what ffmpeg draws.
const SAMPLES: [&str; 2] = ["sintel-trailer-720p.mp4", "big-buck-bunny-30s.webm"];
const DRAWN: [&str; 3] =
    ["testsrc2=size=1280x720:rate=24", "mandelbrot=size=1280x720:rate=24", "smptebars=size=1280x720:rate=24"];

struct Bench {
    root: PathBuf,
    home: PathBuf,
    config: PathBuf,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let films: usize = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(50);
    let dir = tempfile::tempdir().expect("create a temporary directory");
    let kept = arguments.next().map_or_else(|| dir.path().join("films"), PathBuf::from);
    std::fs::create_dir_all(&kept).expect("create the folder of the films");
    let bench = Bench {
        root: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        home: dir.path().join("home"),
        config: dir.path().join("reelgate.toml"),
    };
    std::fs::write(&bench.config, "[cost]\nnode_type = \"c6a-xlarge\"\nvcpus = 4\n")
        .expect("write the configuration");
    let mut errors = Vec::new();
    for number in 0..films {
        let film = kept.join(format!("{number:03}.mp4"));
        bench.make(number, &film);
        let estimated = bench.json(&["cost", "estimate", &film.display().to_string(), "--json"]);
        let estimated = estimated[0]["total"]["p50_nanos"].as_i64().expect("an estimate");
        let asset = bench.json(&["run", &film.display().to_string(), "--json"]);
        let asset = asset[0]["asset_id"].as_str().expect("an asset").to_owned();
        let lines = bench.json(&["cost", "show", &asset, "--json"]);
        let spent: i64 = lines.iter().filter_map(|line| line["amount_nanos"].as_i64()).sum();
        let error = (estimated - spent) as f64 / spent as f64;
        println!("film {number}: estimated {estimated}, spent {spent} nano-dollars, {:+.1} %", error * 100.0);
        errors.push(error.abs());
    }
    let share = |errors: &[f64], within: f64| {
        let near = errors.iter().filter(|error| **error <= within).count();
        100.0 * near as f64 / errors.len().max(1) as f64
    };
    let (first, learned) = errors.split_at(LEARNED.min(errors.len()));
    println!("first day: {:.0} % of {} films within 30 % (bar: all)", share(first, 0.3), first.len());
    println!(
        "learned: {:.0} % of {} films within 10 % (bar: 90 %), {:.0} % within 30 %",
        share(learned, 0.1),
        learned.len(),
        share(learned, 0.3)
    );
    bench.print_paces();
}

impl Bench {
    /// A film of 3 to 20 seconds. A part of a sample begins at another place each time.
    fn make(&self, number: usize, film: &Path) {
        let seconds = 3 + (number * 7) % 18;
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-y"]);
        match number % (SAMPLES.len() + DRAWN.len()) {
            sample if sample < SAMPLES.len() => {
                let begin = (number * 3) % 10;
                command
                    .args(["-ss", &begin.to_string(), "-i"])
                    .arg(self.root.join("samples").join(SAMPLES[sample]));
            }
            drawn => {
                command.args(["-f", "lavfi", "-i", DRAWN[drawn - SAMPLES.len()]]);
                command.args(["-f", "lavfi", "-i", "sine=frequency=330"]);
            }
        }
        command.args(["-t", &seconds.to_string(), "-vf", "scale=1280:720,setsar=1", "-r", "24"]);
        command.args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "48",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
        ]);
        command.args(["-metadata", &format!("title={number}")]).arg(film);
        assert!(command.status().expect("ffmpeg starts").success(), "make {}", film.display());
    }

    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = Command::new(env!("CARGO_BIN_EXE_reelgate"))
            .args(arguments)
            .arg("--home")
            .arg(&self.home)
            .arg("--config")
            .arg(&self.config)
            .output()
            .expect("reelgate starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines: Option<Vec<Value>> = text.lines().map(|line| serde_json::from_str(line).ok()).collect();
        lines.filter(|lines| !lines.is_empty()).unwrap_or_else(|| {
            panic!(
                "{arguments:?}: expected lines of JSON, found {text}{}",
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    /// Learns from the whole ledger of the run, so that the table can be made anew.
    fn print_paces(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let samples = runtime.block_on(async {
            let clock = Arc::new(SystemClock);
            let store =
                SqliteStore::open(&self.home.join("reelgate.sqlite"), clock).await.expect("open the store");
            store.recent_work(u32::MAX).await.expect("read the ledger")
        });
        let mut paces = Paces::default();
        let mut kinds = BTreeMap::new();
        for sample in &samples {
            paces.observe(&sample.amount(), sample.quantity);
            *kinds.entry(sample.amount().kind).or_insert(0) += 1;
        }
        for (kind, seen) in kinds {
            let Ok(pace) = paces.pace(&kind) else { continue };
            println!(
                "\n[[pace]] # of {seen} attempts\ntask = \"{}\"\npart = \"{}\"\nresource = \"{}\"\neach_attempt = {}\neach_million = {}\np90_permille = {}",
                kind.task,
                kind.part,
                kind.resource.as_str(),
                pace.each_attempt,
                pace.each_million,
                pace.p90_permille
            );
        }
    }
}

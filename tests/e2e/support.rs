//! A separate home for each test, and the binary in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A temporary home; removed with everything in it.
pub struct TempHome {
    dir: tempfile::TempDir,
    encodes_quickly: bool,
}

impl TempHome {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary directory"), encodes_quickly: false }
    }

    /// A home that encodes with x264's quickest preset, except in a long run: for long videos, and for tests that compare no bytes. How an
    /// asset ends, its frames and its times do not depend on the preset.
    pub fn encoding_quickly() -> Self {
        Self { encodes_quickly: !is_full_size(), ..Self::new() }
    }

    /// The home directory.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A path outside of the home for a test's own files.
    pub fn file(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join("uploads").join(name);
        std::fs::create_dir_all(path.parent().expect("it has a parent")).expect("a directory");
        path
    }

    /// `reelgate ARGS --home HOME`, ready to run, without settings from the environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reelgate"));
        command.args(arguments).arg("--home").arg(self.path()).current_dir(self.dir.path());
        for name in ["REELGATE_LOG", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
            command.env_remove(name);
        }
        if matches!(arguments, ["run" | "serve", ..]) && self.encodes_quickly {
            command.env("REELGATE__MEDIA__VIDEO__PRESET", "ultrafast");
        }
        command
    }

    /// Runs the command and waits for its end.
    pub fn reelgate(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("reelgate starts")
    }

    /// `run --json` over paths: exit status and one object per asset, in the order of the paths and, within a directory, of names.
    pub fn run(&self, paths: &[&Path]) -> (i32, Vec<Value>) {
        self.run_with(&[], paths)
    }

    /// `run --json` with more arguments.
    pub fn run_with(&self, arguments: &[&str], paths: &[&Path]) -> (i32, Vec<Value>) {
        let mut command = self.command(&["run", "--json"]);
        let output = command.args(arguments).args(paths).output().expect("reelgate starts");
        let status = output.status.code().expect("an exit status");
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!talk.contains("panicked"), "{talk}");
        let mut lines = lines(&output.stdout, &talk);
        lines.sort_by_key(|line| {
            let source = PathBuf::from(line["source"]["path"].as_str().expect("a path"));
            let named = paths.iter().position(|path| source.starts_with(path));
            (named.unwrap_or(usize::MAX), source)
        });
        (status, lines)
    }
}

/// The command, run by another program with these arguments before it.
pub fn by(program: &[&str], command: &Command) -> Command {
    let mut words = program.iter().map(OsStr::new).chain([command.get_program()]).chain(command.get_args());
    let mut outer = Command::new(words.next().expect("a command has a program"));
    outer.args(words).current_dir(command.get_current_dir().expect("a home's command has a directory"));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

/// Standard output as JSON lines.
pub fn lines(stdout: &[u8], talk: &str) -> Vec<Value> {
    let text = std::str::from_utf8(stdout).expect("UTF-8");
    let parse = |line: &str| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}\n{talk}"))
    };
    text.lines().map(parse).collect()
}

/// Standard error as text.
pub fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Whether tests use media in full size, as in `make test-long`, instead of smaller media that prove the same.
pub fn is_full_size() -> bool {
    std::env::var_os("REELGATE_FULL_MEDIA").is_some()
}

/// A file of `samples/`.
pub fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples").join(name)
}

/// The outcome of an asset: `published`, or the code of the reason.
pub fn outcome(line: &Value) -> &str {
    let state = line["state"].as_str().expect("each line has a state");
    if state == "published" { state } else { code(line) }
}

/// The reason's code, or an empty text.
pub fn code(line: &Value) -> &str {
    line["reason"]["code"].as_str().unwrap_or_default()
}

/// Runs a tool and returns what it prints.
pub fn tool(program: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {talk}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Where a line differs from the published schema of `run --json`.
pub fn undocumented(line: &Value) -> Vec<String> {
    let schema: Value =
        serde_json::from_str(include_str!("../../docs/reference/run-output.schema.json")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors = validator.iter_errors(line).map(|error| format!("{error} at {}", error.instance_path()));
    errors.collect()
}

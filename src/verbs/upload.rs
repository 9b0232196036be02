//! `reelgate upload`: uploads a producer's files to the ingest bucket, with checksums; an interrupted upload continues.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use reelgate_aws::location::{Area, Location};
use reelgate_aws::upload::{Progress, Uploaded, Uploader};
use serde_json::json;

use crate::cli::{GlobalArgs, UploadArgs};
use crate::config::Config;
use crate::config::fleet::S3_SCHEME;
use crate::exit::{ExitStatus, Failure};
use crate::output::{stderr, table};
use crate::verbs::to_json;
use crate::wiring::{self, aws};

/// Uploads the files one after another, each over several connections.
pub async fn upload(global: &GlobalArgs, args: UploadArgs) -> Result<ExitStatus, Failure> {
    let config = Config::load(global).await?;
    let targets = targets(&args)?;
    say_unwatched(&config, &targets);
    let buckets = targets.iter().map(|(_, to)| to.bucket.as_str());
    let transfer = aws::transfer(&config, buckets);
    let journals = config.home.join("uploads");
    wiring::make_dirs("--home", &journals)?;
    let uploader = Uploader::new(&aws::sdk(&config).await, transfer, journals)?;
    let mut exit = ExitStatus::Done;
    for (file, to) in &targets {
        let bar = bar(file);
        let show = |progress: Progress| {
            bar.set_length(progress.size_bytes);
            bar.set_position(progress.sent_bytes);
        };
        let done = tokio::select! {
            done = uploader.upload(file, to, &show) => done,
            () = wiring::stop_asked() => {
                bar.abandon();
                stderr::say("stopped; the same command continues from here");
                return Ok(ExitStatus::NotAll);
            }
        };
        bar.finish_and_clear();
        match done {
            Ok(done) => print_uploaded(file, &done, args.json)?,
            Err(error) => {
                stderr::say(&format!("{}: {error}", table::clean(&file.display().to_string())));
                exit = ExitStatus::NotAll;
            }
        }
    }
    Ok(exit)
}

/// Says so if the configuration names an ingest area and a target lies outside: nothing takes an upload from there.
fn say_unwatched(config: &Config, targets: &[(PathBuf, Location)]) {
    if !config.raw.objects.url.reveal().starts_with(S3_SCHEME) {
        return;
    }
    let outside = targets.iter().find_map(|(_, to)| aws::ingest_prefix(config, &to.to_string()).err());
    if outside.is_some() {
        stderr::say(
            "the target is not in the ingest area of this configuration: Reelgate takes no upload from there",
        );
    }
}

/// Each file with its key: its name below a target that ends with `/`, or the given key.
fn targets(args: &UploadArgs) -> Result<Vec<(PathBuf, Location)>, Failure> {
    if !args.to.ends_with('/') && args.to.matches('/').count() > 2 {
        let [file] = args.files.as_slice() else {
            let what = "expected a target that ends with `/` for several files";
            return Err(Failure::Usage(format!("{what}, found `{}`", args.to)));
        };
        return Ok(vec![(file.clone(), Location::parse(&args.to).map_err(usage)?)]);
    }
    let area: Area = args.to.parse().map_err(usage)?;
    let named = args.files.iter().map(|file| {
        let name = file.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| {
            Failure::Usage(
                "expected files with a name in UTF-8; give the key instead: s3://bucket/key".into(),
            )
        });
        Ok((file.clone(), area.at(name?)))
    });
    named.collect()
}

fn usage(error: reelgate_ports::error::PortError) -> Failure {
    Failure::Usage(error.to_string())
}

fn print_uploaded(file: &Path, done: &Uploaded, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let line = json!({
            "file": file.to_string_lossy(),
            "location": done.at.to_string(),
            "version": done.version,
            "size_bytes": done.size_bytes,
            "resumed_bytes": done.resumed_bytes,
            "crc64nvme": done.crc64nvme,
        });
        return table::print(&to_json(&line)?);
    }
    table::print(&table::clean(&done.at.to_string()))
}

/// A bar where standard error is a terminal.
fn bar(file: &Path) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{prefix:30!} {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta}",
    );
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let bar = ProgressBar::new(0).with_prefix(table::clean(&name));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(files: &[&str], to: &str) -> Result<Vec<String>, Failure> {
        let files = files.iter().map(PathBuf::from).collect();
        let args = UploadArgs { files, to: to.into(), json: false };
        Ok(targets(&args)?.into_iter().map(|(_, to)| to.to_string()).collect())
    }

    #[test]
    fn files_are_uploaded_below_a_target_and_a_single_file_may_have_its_own_key() {
        assert_eq!(
            keys(&["/x/a b.mp4", "ü.mov"], "s3://bucket/in/").unwrap(),
            ["s3://bucket/in/a b.mp4", "s3://bucket/in/ü.mov"]
        );
        assert_eq!(keys(&["a"], "s3://bucket").unwrap(), ["s3://bucket/a"]);
        assert_eq!(keys(&["a"], "s3://bucket/in/b.mp4").unwrap(), ["s3://bucket/in/b.mp4"]);
        for (files, to) in
            [(&["a", "b"][..], "s3://bucket/in"), (&["a"], "bucket/in"), (&[".."], "s3://bucket/")]
        {
            assert!(matches!(keys(files, to), Err(Failure::Usage(_))), "{to}");
        }
    }
}

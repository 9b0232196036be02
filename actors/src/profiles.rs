//! Profiles: media settings and priority of the uploads whose keys begin alike.

use reelgate_pipelines::recipes::settings::Settings;
use reelgate_ports::judgement::comparable;
use reelgate_ports::order::Priority;
use reelgate_ports::records::MediaEvent;

/// How the uploads below some prefixes are processed.
#[derive(Clone, PartialEq, Debug)]
pub struct Profile {
    /// Its name in the configuration.
    pub name: String,
    /// What the keys of its uploads begin with, in the form that [`comparable`] gives.
    pub prefixes: Vec<String>,
    /// The priority of its uploads; `None` for that of their source.
    pub priority: Option<Priority>,
    /// The media settings in effect.
    pub settings: Settings,
}

/// All profiles.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Profiles(Vec<Profile>);

impl Profiles {
    pub fn new(profiles: Vec<Profile>) -> Self {
        Self(profiles)
    }

    /// The profile of an upload: that with the longest prefix of its key. No two profiles have the same prefix.
    pub fn of_key(&self, key: &str) -> Option<&Profile> {
        let key = comparable(key);
        let length = |profile: &&Profile| {
            let matching = profile.prefixes.iter().filter(|prefix| key.starts_with(prefix.as_str()));
            matching.map(String::len).max()
        };
        self.0.iter().filter(|profile| length(profile).is_some()).max_by_key(length)
    }

    /// The profile with a name.
    pub fn named(&self, name: &str) -> Option<&Profile> {
        self.0.iter().find(|profile| profile.name == name)
    }

    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(|profile| profile.name.as_str()).collect()
    }

    /// Gives each upload the priority of its profile, where that has one.
    pub fn prioritise(&self, uploads: &mut [MediaEvent]) {
        for upload in uploads {
            let priority = self.of_key(&upload.source.key).and_then(|profile| profile.priority);
            upload.priority = priority.unwrap_or(upload.priority);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reelgate_conformance::samples::event;

    fn profiles() -> Profiles {
        let profile = |name: &str, prefixes: &[&str], priority| Profile {
            name: name.to_owned(),
            prefixes: prefixes.iter().map(|prefix| comparable(prefix)).collect(),
            priority,
            settings: Settings::default(),
        };
        Profiles::new(vec![
            profile("studio", &["studio/", "e\u{301}tude/"], Some(Priority::Low)),
            profile("news", &["studio/news/"], Some(Priority::High)),
            profile("quiet", &["studio/news/old"], None),
        ])
    }

    #[test]
    fn the_longest_prefix_of_a_key_decides_in_every_spelling() {
        let profiles = profiles();
        let name = |key| profiles.of_key(key).map(|profile| profile.name.as_str());
        assert_eq!(name("studio/a.mp4"), Some("studio"));
        assert_eq!(name("studio/news/a.mp4"), Some("news"));
        assert_eq!(name("studio/news/older.mp4"), Some("quiet"));
        assert_eq!(name("\u{e9}tude/a.mp4"), Some("studio"));
        assert_eq!(name("studi"), None);
        assert_eq!(profiles.named("news").map(|profile| profile.priority), Some(Some(Priority::High)));
    }

    #[test]
    fn a_profile_without_priority_leaves_that_of_the_source() {
        let keys = ["studio/a", "studio/news/a", "studio/news/old", "other"];
        let mut uploads = keys.map(|key| MediaEvent { priority: Priority::Low, ..event(key, 1) });
        uploads[0].priority = Priority::Normal;
        profiles().prioritise(&mut uploads);
        let found = uploads.map(|upload| upload.priority);
        assert_eq!(found, [Priority::Low, Priority::High, Priority::Low, Priority::Low]);
    }
}

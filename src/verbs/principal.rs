//! Who decides: the name that is given, and the account that the system or AWS knows, which nobody can name otherwise.

use reelgate_ports::records::Principal;

use crate::config::Config;
use crate::exit::Failure;
use crate::wiring;

/// The user who logged in: it stays the same through `sudo` and `su` (proc(5), `/proc/pid/loginuid`).
const LOGIN_UID: &str = "/proc/self/loginuid";

/// The person who is named, otherwise the system's user, with the account that is used.
pub async fn principal(config: &Config, given: Option<String>) -> Result<Principal, Failure> {
    let named = given.or_else(|| ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()));
    let named = named.filter(|name| !name.trim().is_empty());
    let name = named.ok_or_else(|| {
        Failure::Usage(
            "--by: expected the name of the person who decides, found neither it nor the name of a user"
                .into(),
        )
    })?;
    let how = match wiring::aws::caller(config).await? {
        Some(arn) => arn,
        None => account(std::fs::read_to_string(LOGIN_UID).ok().as_deref()),
    };
    Ok(Principal { name, how })
}

/// The number of the user who logged in, or of the process where nobody did, and the machine.
fn account(login_uid: Option<&str>) -> String {
    let logged_in = login_uid.and_then(|text| text.trim().parse::<u32>().ok()).filter(|uid| *uid != u32::MAX);
    let uid = logged_in.unwrap_or_else(|| rustix::process::getuid().as_raw());
    let machine = rustix::system::uname();
    format!("uid {uid} on {}", machine.nodename().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_who_logged_in_counts_before_the_user_of_the_process() {
        assert!(account(Some("1000\n")).starts_with("uid 1000 on "));
        let own = format!("uid {} on ", rustix::process::getuid().as_raw());
        for nobody in [Some("4294967295"), Some(""), None] {
            assert!(account(nobody).starts_with(&own), "{nobody:?}");
        }
    }
}

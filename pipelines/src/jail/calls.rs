//! The complete list of system calls that a jailed worker may make. Any other call ends the worker and is reported as
//! `jail_violation` with its number.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};

use super::error::JailError;

/// What the filter does with a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rule {
    /// The call goes through.
    Allow,
    /// The call goes through if its arguments are among these alternatives.
    AllowIf(&'static [&'static [Arg]]),
    /// The call fails with this error number. Libraries try it and work without it.
    Refuse(i32),
}

/// One condition on an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Arg {
    /// Argument (32 bits) equals the value.
    Is(u8, u64),
    /// Argument (64 bits) equals the value.
    IsLong(u8, u64),
    /// The argument (64 bits) is the first value, apart from the bits of the second, which may be set or not.
    IsApartFrom(u8, u64, u64),
    /// Argument (64 bits) is the size of one page.
    IsPage(u8),
    /// Argument (32 bits) is this process.
    IsSelf(u8),
}

use Arg::{Is, IsApartFrom, IsLong, IsPage, IsSelf};
use Rule::{Allow, AllowIf, Refuse};

/// Exactly the flags with which glibc starts a thread (`pthread_create`). A new process or a namespace needs others.
const THREAD_FLAGS: u64 = (libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_CLEARTID) as u64;
/// The only kind of memory that a jailed worker can map. The kernel counts it against the limit on private memory.
const PRIVATE_MEMORY: u64 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
/// Flags that glibc's allocator and threads add. None of them changes how the kernel counts the memory.
const UNCHANGED_BY: u64 = (libc::MAP_FIXED | libc::MAP_NORESERVE | libc::MAP_STACK) as u64;
const WRITABLE: u64 = (libc::PROT_READ | libc::PROT_WRITE) as u64;

struct SystemCall {
    /// `SYS_` and its name, for the comparison with the documentation.
    #[cfg(test)]
    name: &'static str,
    number: i64,
    rule: Rule,
}

macro_rules! call {
    ($name:ident, $rule:expr $(,)?) => {
        SystemCall {
            #[cfg(test)]
            name: stringify!($name),
            number: libc::$name,
            rule: $rule,
        }
    };
}

/// Calls that every architecture has.
const CALLS: &[SystemCall] = &[
    // Memory, which must stay where the budget sees it. Pages of a shared mapping outlive a partial `munmap` and are
    // then in no size and below no limit. Huge pages and a mapping that grows downwards escape the limit on private
    // memory. Written pages that are made read-only would no longer count as private memory, so a mapping can only be
    // made writable; only a single page can be made a guard, as Rust does below the signal stack of a thread. Orc
    // compiles its inner loops at run time and needs anonymous executable memory for them. A file, such as the source,
    // can never be mapped, and no mapping can be made executable later.
    call!(SYS_brk, Allow),
    call!(SYS_mmap, AllowIf(&[&[IsApartFrom(3, PRIVATE_MEMORY, UNCHANGED_BY)]])),
    call!(SYS_mprotect, AllowIf(&[&[IsLong(2, WRITABLE)], &[IsPage(1), IsLong(2, libc::PROT_NONE as u64)]])),
    call!(SYS_mremap, Allow),
    call!(SYS_munmap, Allow),
    call!(SYS_madvise, Allow),
    // Open descriptors, and new descriptors that reach nothing outside the process.
    call!(SYS_read, Allow),
    call!(SYS_readv, Allow),
    call!(SYS_pread64, Allow),
    call!(SYS_write, Allow),
    call!(SYS_writev, Allow),
    call!(SYS_lseek, Allow),
    call!(SYS_fstat, Allow),
    call!(SYS_close, Allow),
    call!(SYS_dup, Allow),
    call!(
        SYS_fcntl,
        AllowIf(&[
            &[Is(1, libc::F_DUPFD_CLOEXEC as u64)],
            &[Is(1, libc::F_GETFD as u64)],
            &[Is(1, libc::F_SETFD as u64)],
            &[Is(1, libc::F_GETFL as u64)],
            &[Is(1, libc::F_SETFL as u64)],
        ]),
    ),
    call!(SYS_pipe2, Allow),
    call!(SYS_eventfd2, Allow),
    // GStreamer wakes its threads through pairs of local sockets. A pair is connected only to itself.
    call!(SYS_socketpair, AllowIf(&[&[Is(0, libc::AF_UNIX as u64), Is(1, libc::SOCK_STREAM as u64)]])),
    call!(SYS_ppoll, Allow),
    call!(SYS_pselect6, Allow),
    // Threads.
    call!(SYS_clone, AllowIf(&[&[IsLong(0, THREAD_FLAGS)]])),
    call!(SYS_futex, Allow),
    call!(SYS_set_robust_list, Allow),
    call!(SYS_rseq, Allow),
    call!(SYS_gettid, Allow),
    call!(SYS_sched_yield, Allow),
    call!(SYS_sched_getaffinity, Allow),
    call!(SYS_sched_getparam, Allow),
    call!(SYS_sched_getscheduler, Allow),
    call!(SYS_getcpu, Allow),
    call!(SYS_prctl, AllowIf(&[&[Is(0, libc::PR_SET_NAME as u64)]])),
    // Orc sets the mask before it tries to make a file, which the jail then refuses.
    call!(SYS_umask, Allow),
    // Time, random numbers, and facts about this process.
    call!(SYS_clock_gettime, Allow),
    call!(SYS_clock_getres, Allow),
    call!(SYS_clock_nanosleep, Allow),
    call!(SYS_nanosleep, Allow),
    call!(SYS_gettimeofday, Allow),
    call!(SYS_getrandom, Allow),
    call!(SYS_getpid, Allow),
    call!(SYS_getppid, Allow),
    call!(SYS_getuid, Allow),
    call!(SYS_geteuid, Allow),
    call!(SYS_getgid, Allow),
    call!(SYS_getegid, Allow),
    call!(SYS_getrusage, Allow),
    call!(SYS_sysinfo, Allow),
    call!(SYS_uname, Allow),
    call!(SYS_prlimit64, AllowIf(&[&[Is(0, 0), IsLong(2, 0)]])),
    // Signals within the process: handlers, and abort(), which uses tgkill.
    call!(SYS_rt_sigaction, Allow),
    call!(SYS_rt_sigprocmask, Allow),
    call!(SYS_rt_sigreturn, Allow),
    call!(SYS_sigaltstack, Allow),
    call!(SYS_tgkill, AllowIf(&[&[IsSelf(0)]])),
    call!(SYS_restart_syscall, Allow),
    // Exit.
    call!(SYS_exit, Allow),
    call!(SYS_exit_group, Allow),
    // Libraries look for settings, devices and more plug-ins, and work without them. Landlock refuses these calls too;
    // the filter refuses them before the kernel even reads the path.
    call!(SYS_openat, Refuse(libc::EACCES)),
    call!(SYS_newfstatat, Refuse(libc::EACCES)),
    call!(SYS_statx, Refuse(libc::EACCES)),
    call!(SYS_faccessat, Refuse(libc::EACCES)),
    call!(SYS_faccessat2, Refuse(libc::EACCES)),
    call!(SYS_readlinkat, Refuse(libc::EACCES)),
    call!(SYS_getcwd, Refuse(libc::EACCES)),
    call!(SYS_statfs, Refuse(libc::EACCES)),
    call!(SYS_ioctl, Refuse(libc::ENOTTY)),
    // Before GLib writes a warning to standard error, it asks whether that is the journal's socket.
    call!(SYS_getpeername, Refuse(libc::ENOTSOCK)),
    // GLib's thread pools copy their scheduling to new threads by thread id, which could be another process's id.
    call!(SYS_sched_getattr, Refuse(libc::EPERM)),
    call!(SYS_sched_setattr, Refuse(libc::EPERM)),
    call!(SYS_memfd_create, Refuse(libc::EACCES)),
    // Its flags lie in memory, which a filter cannot read. glibc falls back to clone.
    call!(SYS_clone3, Refuse(libc::ENOSYS)),
];

/// Calls that only x86-64 still has.
#[cfg(target_arch = "x86_64")]
const OLD_CALLS: &[SystemCall] = &[
    call!(SYS_poll, Allow),
    call!(SYS_select, Allow),
    call!(SYS_pipe, Allow),
    call!(SYS_time, Allow),
    call!(SYS_open, Refuse(libc::EACCES)),
    call!(SYS_stat, Refuse(libc::EACCES)),
    call!(SYS_lstat, Refuse(libc::EACCES)),
    call!(SYS_access, Refuse(libc::EACCES)),
    call!(SYS_readlink, Refuse(libc::EACCES)),
];

/// Calls that only x86-64 still has.
#[cfg(not(target_arch = "x86_64"))]
const OLD_CALLS: &[SystemCall] = &[];

/// Installs the filters; those that refuse with an error come first. Of stacked filters the strictest answer counts.
/// The list itself is last, because it forbids adding a filter.
pub(super) fn filter() -> Result<(), JailError> {
    let mut by_error: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    let mut listed = BTreeMap::new();
    for &SystemCall { number: call, rule, .. } in CALLS.iter().chain(OLD_CALLS) {
        let rules = match rule {
            Allow => vec![],
            AllowIf(alternatives) => {
                alternatives.iter().map(|args| conditions(args)).collect::<Result<_, _>>()?
            }
            Refuse(error) => {
                by_error.entry(error).or_default().push(call);
                vec![]
            }
        };
        listed.insert(call, rules);
    }
    let mut programs = Vec::new();
    for (error, calls) in by_error {
        let rules = calls.into_iter().map(|call| (call, vec![])).collect();
        programs.push(compile(rules, SeccompAction::Errno(error.unsigned_abs()), SeccompAction::Allow)?);
    }
    programs.push(compile(listed, SeccompAction::Allow, SeccompAction::Trap)?);
    for program in &programs {
        apply_filter_all_threads(program)?;
    }
    Ok(())
}

fn compile(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    listed: SeccompAction,
    others: SeccompAction,
) -> Result<BpfProgram, JailError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    Ok(SeccompFilter::new(rules, others, listed, arch)?.try_into()?)
}

fn conditions(args: &[Arg]) -> Result<SeccompRule, JailError> {
    let conditions = args.iter().map(|arg| match *arg {
        Is(index, value) => condition(index, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value),
        IsLong(index, value) => condition(index, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value),
        IsApartFrom(index, value, ignored) => {
            condition(index, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(!ignored), value)
        }
        IsPage(index) => {
            let bytes = rustix::param::page_size() as u64;
            condition(index, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, bytes)
        }
        IsSelf(index) => {
            condition(index, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, std::process::id().into())
        }
    });
    Ok(SeccompRule::new(conditions.collect::<Result<_, _>>()?)?)
}

fn condition(
    index: u8,
    length: SeccompCmpArgLen,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, JailError> {
    Ok(SeccompCondition::new(index, length, operator, value)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The documentation of the jail. It names every call once, in the list of its rule.
    const GUIDE: &str = include_str!("../../../docs/design/jail.md");

    fn documented(list: &str) -> BTreeSet<String> {
        let (_, rest) = GUIDE.split_once(&format!("<!-- {list} -->")).unwrap();
        let (names, _) = rest.split_once("<!-- end -->").unwrap();
        names.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    fn listed(is_kind: impl Fn(Rule) -> bool) -> BTreeSet<String> {
        let calls = CALLS.iter().chain(OLD_CALLS).filter(|call| is_kind(call.rule));
        calls.map(|call| call.name.trim_start_matches("SYS_").to_owned()).collect()
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_documentation_names_exactly_the_calls_on_the_list() {
        assert_eq!(listed(|rule| rule == Allow), documented("allowed"));
        assert_eq!(listed(|rule| matches!(rule, AllowIf(_))), documented("allowed with conditions"));
        assert_eq!(listed(|rule| matches!(rule, Refuse(_))), documented("refused softly"));
    }

    #[test]
    fn no_call_is_listed_twice() {
        let numbers: BTreeSet<i64> = CALLS.iter().chain(OLD_CALLS).map(|call| call.number).collect();
        assert_eq!(numbers.len(), CALLS.len() + OLD_CALLS.len());
    }

    #[test]
    fn no_call_that_opens_starts_or_connects_something_is_allowed_without_conditions() {
        let never = [
            libc::SYS_openat,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_sendto,
            libc::SYS_sendmsg,
            libc::SYS_recvmsg,
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_clone3,
            libc::SYS_ptrace,
            libc::SYS_kill,
            libc::SYS_tkill,
            libc::SYS_io_uring_setup,
            libc::SYS_memfd_create,
            libc::SYS_ioctl,
            libc::SYS_seccomp,
            libc::SYS_unshare,
            libc::SYS_setns,
            libc::SYS_mount,
            libc::SYS_bpf,
            libc::SYS_process_vm_readv,
            libc::SYS_pidfd_getfd,
            libc::SYS_shmget,
            libc::SYS_prctl,
            libc::SYS_clone,
            libc::SYS_mmap,
            libc::SYS_mprotect,
            libc::SYS_mlock,
            libc::SYS_vmsplice,
            libc::SYS_setsockopt,
            libc::SYS_memfd_secret,
        ];
        for call in CALLS.iter().chain(OLD_CALLS).filter(|call| call.rule == Allow) {
            assert!(!never.contains(&call.number), "{} may only be allowed with conditions", call.name);
        }
    }
}

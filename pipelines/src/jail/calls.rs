//! The system calls of a jailed worker: the whole list, literally. Whatever is not on it ends the worker and is
//! reported as `jail_violation` with its number.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};

use super::JailError;

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rule {
    /// Goes through.
    Allow,
    /// Goes through if its arguments are among these alternatives.
    AllowIf(&'static [&'static [Arg]]),
    /// Fails with this error number; libraries ask, and get along without.
    Refuse(i32),
}

/// One condition on an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arg {
    /// Argument (32 bits) equals the value.
    Is(u8, u64),
    /// Argument (64 bits) equals the value.
    IsLong(u8, u64),
    /// None of the value's bits is set in the argument.
    Without(u8, u64),
    /// All of the value's bits are set in the argument.
    With(u8, u64),
    /// Argument (32 bits) is this process.
    IsSelf(u8),
}

use Arg::{Is, IsLong, IsSelf, With, Without};
use Rule::{Allow, AllowIf, Refuse};

/// Exactly what glibc asks for when it starts a thread (`pthread_create`); a new process, or a namespace, has others.
const THREAD_FLAGS: u64 = (libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_CLEARTID) as u64;
const EXEC: u64 = libc::PROT_EXEC as u64;
const ANONYMOUS: u64 = libc::MAP_ANONYMOUS as u64;

/// Calls of every architecture.
pub(super) const CALLS: &[(i64, Rule)] = &[
    // Memory. Orc compiles its inner loops at run time and needs anonymous executable memory for them; a file,
    // that is the source, can never be mapped executable, and nothing mapped can become so later.
    (libc::SYS_brk, Allow),
    (libc::SYS_mmap, AllowIf(&[&[Without(2, EXEC)], &[With(3, ANONYMOUS)]])),
    (libc::SYS_mprotect, AllowIf(&[&[Without(2, EXEC)]])),
    (libc::SYS_mremap, Allow),
    (libc::SYS_munmap, Allow),
    (libc::SYS_madvise, Allow),
    // Descriptors that are open, and new ones that lead nowhere else.
    (libc::SYS_read, Allow),
    (libc::SYS_readv, Allow),
    (libc::SYS_pread64, Allow),
    (libc::SYS_write, Allow),
    (libc::SYS_writev, Allow),
    (libc::SYS_lseek, Allow),
    (libc::SYS_fstat, Allow),
    (libc::SYS_close, Allow),
    (libc::SYS_dup, Allow),
    (
        libc::SYS_fcntl,
        AllowIf(&[
            &[Is(1, libc::F_DUPFD_CLOEXEC as u64)],
            &[Is(1, libc::F_GETFD as u64)],
            &[Is(1, libc::F_SETFD as u64)],
            &[Is(1, libc::F_GETFL as u64)],
            &[Is(1, libc::F_SETFL as u64)],
        ]),
    ),
    (libc::SYS_pipe2, Allow),
    (libc::SYS_eventfd2, Allow),
    (libc::SYS_ppoll, Allow),
    (libc::SYS_pselect6, Allow),
    // Threads.
    (libc::SYS_clone, AllowIf(&[&[IsLong(0, THREAD_FLAGS)]])),
    (libc::SYS_futex, Allow),
    (libc::SYS_set_robust_list, Allow),
    (libc::SYS_rseq, Allow),
    (libc::SYS_gettid, Allow),
    (libc::SYS_sched_yield, Allow),
    (libc::SYS_sched_getaffinity, Allow),
    (libc::SYS_sched_getparam, Allow),
    (libc::SYS_sched_getscheduler, Allow),
    (libc::SYS_getcpu, Allow),
    (libc::SYS_prctl, AllowIf(&[&[Is(0, libc::PR_SET_NAME as u64)]])),
    // Time, chance, and questions about itself.
    (libc::SYS_clock_gettime, Allow),
    (libc::SYS_clock_getres, Allow),
    (libc::SYS_clock_nanosleep, Allow),
    (libc::SYS_nanosleep, Allow),
    (libc::SYS_gettimeofday, Allow),
    (libc::SYS_getrandom, Allow),
    (libc::SYS_getpid, Allow),
    (libc::SYS_getppid, Allow),
    (libc::SYS_getuid, Allow),
    (libc::SYS_geteuid, Allow),
    (libc::SYS_getgid, Allow),
    (libc::SYS_getegid, Allow),
    (libc::SYS_getrusage, Allow),
    (libc::SYS_sysinfo, Allow),
    (libc::SYS_uname, Allow),
    (libc::SYS_prlimit64, AllowIf(&[&[Is(0, 0), IsLong(2, 0)]])),
    // Signals within the process: handlers, and abort() through tgkill.
    (libc::SYS_rt_sigaction, Allow),
    (libc::SYS_rt_sigprocmask, Allow),
    (libc::SYS_rt_sigreturn, Allow),
    (libc::SYS_sigaltstack, Allow),
    (libc::SYS_tgkill, AllowIf(&[&[IsSelf(0)]])),
    (libc::SYS_restart_syscall, Allow),
    // The end.
    (libc::SYS_exit, Allow),
    (libc::SYS_exit_group, Allow),
    // Libraries look for settings, devices and more plug-ins, and do without. Landlock refuses these too; the
    // filter does it before the kernel looks at the path at all.
    (libc::SYS_openat, Refuse(libc::EACCES)),
    (libc::SYS_newfstatat, Refuse(libc::EACCES)),
    (libc::SYS_statx, Refuse(libc::EACCES)),
    (libc::SYS_faccessat, Refuse(libc::EACCES)),
    (libc::SYS_faccessat2, Refuse(libc::EACCES)),
    (libc::SYS_readlinkat, Refuse(libc::EACCES)),
    (libc::SYS_getcwd, Refuse(libc::EACCES)),
    (libc::SYS_statfs, Refuse(libc::EACCES)),
    (libc::SYS_ioctl, Refuse(libc::ENOTTY)),
    (libc::SYS_memfd_create, Refuse(libc::EACCES)),
    // Its flags lie in memory, where a filter cannot look; glibc falls back to clone.
    (libc::SYS_clone3, Refuse(libc::ENOSYS)),
];

/// Calls that only x86-64 still has.
#[cfg(target_arch = "x86_64")]
pub(super) const OLD_CALLS: &[(i64, Rule)] = &[
    (libc::SYS_poll, Allow),
    (libc::SYS_select, Allow),
    (libc::SYS_pipe, Allow),
    (libc::SYS_time, Allow),
    (libc::SYS_open, Refuse(libc::EACCES)),
    (libc::SYS_stat, Refuse(libc::EACCES)),
    (libc::SYS_lstat, Refuse(libc::EACCES)),
    (libc::SYS_access, Refuse(libc::EACCES)),
    (libc::SYS_readlink, Refuse(libc::EACCES)),
];

/// Calls that only x86-64 still has.
#[cfg(not(target_arch = "x86_64"))]
pub(super) const OLD_CALLS: &[(i64, Rule)] = &[];

/// Puts the filters on, the one that refuses softly first: of stacked filters the strictest answer counts, and
/// after the list itself no further filter can be added.
pub(super) fn filter() -> Result<(), JailError> {
    let mut by_error: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    let mut listed = BTreeMap::new();
    for &(call, rule) in CALLS.iter().chain(OLD_CALLS) {
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
        Without(index, bits) => condition(index, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(bits), 0),
        With(index, bits) => condition(index, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(bits), bits),
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

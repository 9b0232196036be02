# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_reelgate_global_optspecs
    string join \n home= config= log= h/help V/version
end

function __fish_reelgate_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_reelgate_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_reelgate_using_subcommand
    set -l cmd (__fish_reelgate_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c reelgate -n "__fish_reelgate_needs_command" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_needs_command" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_needs_command" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_needs_command" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_needs_command" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "run" -d 'Process files or directories and wait until each asset has ended'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "serve" -d 'Watch HOME/ingest and process what arrives, until SIGTERM'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "probe" -d 'Inspect one file without processing it'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "scan" -d 'Look for personal data in text and media files; keeps nothing, prints no value'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "list" -d 'List assets'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "show" -d 'Show one asset: facts, stages, renditions, findings'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "why" -d 'Show an asset\'s history: every event, decision and attempt, in order'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "redrive" -d 'Give failed or rejected assets another try'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "redo" -d 'Make part of a published asset again; the current publication stays until then'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "quarantine" -d 'Quarantine an asset by hand, with its copies and older versions'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "release" -d 'Release a quarantined asset: source and outputs are restored unchanged'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "erase" -d 'Remove everything of an asset that has ended, the source too'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "approve" -d 'Approve another person\'s proposal to release or erase an asset, as `show` names it'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "redact" -d 'Remove something from picture and sound of a published asset'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "hold" -d 'Keep an asset from being erased'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "feedback" -d 'Report that a finding was a false positive'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "audit" -d 'The audit log: export it, or verify an export'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "fleet" -d 'The nodes that work here, and orders to them'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "cost" -d 'What work cost'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "queue" -d 'Show waiting tasks by lane, stage, priority and producer'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "events" -d 'Events of uploads that could not be delivered'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "sweep" -d 'Find uploads whose event was lost: compare the bucket with the store'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "import" -d 'Ingest a back-catalogue at a limited rate'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "upload" -d 'Upload files to the ingest bucket; an interrupted upload continues'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "presign" -d 'Print a link that allows one upload under one key'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "migrate" -d 'Migrate the database to this version; nothing else migrates PostgreSQL'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "verify" -d 'Compare published outputs with the hashes of their proof manifest'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "check" -d 'Check the configuration and the access to every service; changes nothing'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "signals" -d 'Write dashboards, rules and alarms as files for Grafana, Prometheus and CloudWatch'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "sim" -d 'Simulate a fleet in virtual time: waits, losses, load of the database'
complete -c reelgate -n "__fish_reelgate_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand run" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand run" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand run" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand run" -l json -d 'One JSON object per asset and line on standard output, when the asset ends (schema: docs/reference/run-output.schema.json)'
complete -c reelgate -n "__fish_reelgate_using_subcommand run" -l force -d 'Process content again even if it was processed under another name'
complete -c reelgate -n "__fish_reelgate_using_subcommand run" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand run" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand serve" -l listen -d 'Address of /healthz, /readyz and /metrics; overrides the configuration' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand serve" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand serve" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand serve" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand serve" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand serve" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand probe" -l profile -d 'Plan with the settings of this profile instead of that of the file\'s path' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand probe" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand probe" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand probe" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand probe" -l json -d 'One JSON object'
complete -c reelgate -n "__fish_reelgate_using_subcommand probe" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand probe" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand scan" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand scan" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand scan" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand scan" -l json -d 'One JSON object per file and line, or per identifier with --types'
complete -c reelgate -n "__fish_reelgate_using_subcommand scan" -l types -d 'List everything that is looked for, and stop'
complete -c reelgate -n "__fish_reelgate_using_subcommand scan" -l spans -d 'Print the places of findings in one text file as JSON lines, in characters from its beginning'
complete -c reelgate -n "__fish_reelgate_using_subcommand scan" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand scan" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand list" -l state -d 'Only this state, such as `published` or `quarantined`; may be repeated' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand list" -l where -d 'Only assets whose producer gave this metadata, or this tag (`tag:NAME=VALUE`); may be repeated, all must hold' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand list" -l limit -d 'At most this many, newest first' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand list" -l before -d 'Only assets that came before this one: the next page begins after the last asset of this page' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand list" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand list" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand list" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand list" -l json -d 'One JSON object per asset and line'
complete -c reelgate -n "__fish_reelgate_using_subcommand list" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand list" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand show" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand show" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand show" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand show" -l json -d 'JSON instead of text'
complete -c reelgate -n "__fish_reelgate_using_subcommand show" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand show" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand why" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand why" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand why" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand why" -l json -d 'JSON instead of text'
complete -c reelgate -n "__fish_reelgate_using_subcommand why" -l summary -d 'One line for each stage instead of one for each attempt and event of it'
complete -c reelgate -n "__fish_reelgate_using_subcommand why" -l follow -d 'Print further lines as they come, until the asset has ended'
complete -c reelgate -n "__fish_reelgate_using_subcommand why" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand why" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand redrive" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand redrive" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand redrive" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand redrive" -l all-failed -d 'Every failed asset'
complete -c reelgate -n "__fish_reelgate_using_subcommand redrive" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand redrive" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand redo" -l stage -d 'First stage to repeat; the stages after it are repeated too' -r -f -a "validate\t''
transcode\t''
enrich\t''
screen\t''
package\t''
publish\t''"
complete -c reelgate -n "__fish_reelgate_using_subcommand redo" -l rendition -d 'A rendition to encode again, as `show` names it; the rungs of a video are encoded together' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand redo" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand redo" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand redo" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand redo" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand redo" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand quarantine" -l reason -d 'Why; kept with the decision for as long as the record is, so without personal data' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand quarantine" -l by -d 'Who decides; the name of the system\'s user where not given' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand quarantine" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand quarantine" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand quarantine" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand quarantine" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand quarantine" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand release" -l reason -d 'Why; kept with the decision for as long as the record is, so without personal data' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand release" -l by -d 'Who decides; the name of the system\'s user where not given' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand release" -l days -d 'Quarantined again after this many days' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand release" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand release" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand release" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand release" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand release" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand erase" -l reason -d 'Why; kept with the decision for as long as the record is, so without personal data' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand erase" -l by -d 'Who decides; the name of the system\'s user where not given' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand erase" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand erase" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand erase" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand erase" -l certificate -d 'Print what was removed, as JSON, and change nothing'
complete -c reelgate -n "__fish_reelgate_using_subcommand erase" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand erase" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand approve" -l by -d 'Who approves; the name of the system\'s user where not given' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand approve" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand approve" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand approve" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand approve" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand approve" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand redact" -l reason -d 'Why; kept with the decision for as long as the record is, so without personal data' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand redact" -l by -d 'Who decides; the name of the system\'s user where not given' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand redact" -l box -d 'Part of the picture to cover, in pixels of the source as displayed, while it is shown: X,Y,WIDTH,HEIGHT@FROM-TO with times in seconds, such as 40,300,220,48@12.5-15; may be repeated' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand redact" -l mute -d 'Time to silence, in seconds, such as 12.5-15; may be repeated' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand redact" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand redact" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand redact" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand redact" -l blur -d 'Cover with a gradient of the colours around each area instead of a black box. Not for text: a blur may be reversible. This one contains no pixel of the area, but shows its size, and whatever sticks out of the area tints it'
complete -c reelgate -n "__fish_reelgate_using_subcommand redact" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand redact" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand hold" -l reason -d 'Why; kept with the decision for as long as the record is, so without personal data' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand hold" -l by -d 'Who decides; the name of the system\'s user where not given' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand hold" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand hold" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand hold" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand hold" -l off -d 'End the hold'
complete -c reelgate -n "__fish_reelgate_using_subcommand hold" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand hold" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand feedback" -l reason -d 'Why, without personal data' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand feedback" -l by -d 'Who reports it; the name of the system\'s user where not given' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand feedback" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand feedback" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand feedback" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand feedback" -l false-positive -d 'The finding is a false positive'
complete -c reelgate -n "__fish_reelgate_using_subcommand feedback" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand feedback" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and not __fish_seen_subcommand_from export verify help" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and not __fish_seen_subcommand_from export verify help" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and not __fish_seen_subcommand_from export verify help" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and not __fish_seen_subcommand_from export verify help" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and not __fish_seen_subcommand_from export verify help" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and not __fish_seen_subcommand_from export verify help" -f -a "export" -d 'Write the whole log to a file, sealed at its end'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and not __fish_seen_subcommand_from export verify help" -f -a "verify" -d 'Check that the log is complete and unchanged, and not older than the seal that is kept outside of the database'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and not __fish_seen_subcommand_from export verify help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from export" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from export" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from export" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from export" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from verify" -l seal -d 'A seal that a receiver of notices got: the log must hold it too. Can be repeated' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from verify" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from verify" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from verify" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from verify" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write the whole log to a file, sealed at its end'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Check that the log is complete and unchanged, and not older than the seal that is kept outside of the database'
complete -c reelgate -n "__fish_reelgate_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and not __fish_seen_subcommand_from status drain undrain pause resume help" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and not __fish_seen_subcommand_from status drain undrain pause resume help" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and not __fish_seen_subcommand_from status drain undrain pause resume help" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and not __fish_seen_subcommand_from status drain undrain pause resume help" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and not __fish_seen_subcommand_from status drain undrain pause resume help" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and not __fish_seen_subcommand_from status drain undrain pause resume help" -f -a "status" -d 'List the nodes seen within the last day'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and not __fish_seen_subcommand_from status drain undrain pause resume help" -f -a "drain" -d 'Let a node finish what it runs and take no new work'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and not __fish_seen_subcommand_from status drain undrain pause resume help" -f -a "undrain" -d 'Withdraw the order to drain'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and not __fish_seen_subcommand_from status drain undrain pause resume help" -f -a "pause" -d 'Let all nodes begin no heavy work: encoding and sampling. What runs is finished, uploads are recorded and validated, and what is personal is still withdrawn'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and not __fish_seen_subcommand_from status drain undrain pause resume help" -f -a "resume" -d 'End a pause'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and not __fish_seen_subcommand_from status drain undrain pause resume help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from status" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from status" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from status" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from status" -l json -d 'One JSON object per node and line'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from status" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from drain" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from drain" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from drain" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from drain" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from drain" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from undrain" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from undrain" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from undrain" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from undrain" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from undrain" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from pause" -l reason -d 'Why; every node\'s operator sees it' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from pause" -l by -d 'Who orders it; the name of the system\'s user where not given' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from pause" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from pause" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from pause" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from pause" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from pause" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from resume" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from resume" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from resume" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from resume" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from resume" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from help" -f -a "status" -d 'List the nodes seen within the last day'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from help" -f -a "drain" -d 'Let a node finish what it runs and take no new work'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from help" -f -a "undrain" -d 'Withdraw the order to drain'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from help" -f -a "pause" -d 'Let all nodes begin no heavy work: encoding and sampling. What runs is finished, uploads are recorded and validated, and what is personal is still withdrawn'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from help" -f -a "resume" -d 'End a pause'
complete -c reelgate -n "__fish_reelgate_using_subcommand fleet; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -f -a "estimate" -d 'Say what processing will probably cost, before it begins: median and 90th percentile, by stage'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -f -a "accuracy" -d 'Say how near estimates were to what was spent, by profile'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -f -a "caps" -d 'Show what each cap on spending leaves today and this month'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -f -a "show" -d 'Show what an asset cost: every attempt and resource, in order'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -f -a "report" -d 'Add up what everything cost'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -f -a "anomalies" -d 'List the days on which a GB of uploads cost unusually much, by prefix and by profile'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -f -a "export" -d 'Write the ledger for other tools, one row for each line'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and not __fish_seen_subcommand_from estimate accuracy caps show report anomalies export help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from estimate" -l profile -d 'Plan with the settings of this profile instead of those of each path or key' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from estimate" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from estimate" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from estimate" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from estimate" -l json -d 'One JSON object per file and line, then the total'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from estimate" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from estimate" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from accuracy" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from accuracy" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from accuracy" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from accuracy" -l json -d 'One JSON object per profile and line, then the total'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from accuracy" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from accuracy" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from caps" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from caps" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from caps" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from caps" -l json -d 'One JSON object per cap and line'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from caps" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from caps" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from show" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from show" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from show" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from show" -l json -d 'One JSON object per line of the ledger'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from report" -l by -d 'What to divide the cost by' -r -f -a "asset\t'The asset'
stage\t'The stage'
prefix\t'The first folder of the key: the producer'
profile\t'The profile in the configuration that the key belongs to now'
day\t'The day in UTC'
node-type\t'The type of the node'
resource\t'What was used'"
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from report" -l since -d 'Only from this day on (UTC), such as 2026-08-01' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from report" -l until -d 'Only up to this day (UTC), which counts too' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from report" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from report" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from report" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from report" -l json -d 'One JSON object per group and line, then the total'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from report" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from anomalies" -l since -d 'Judge the days from this one on (UTC), such as 2026-08-01; without it the last 30' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from anomalies" -l until -d 'Judge the days up to this one (UTC), which counts too' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from anomalies" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from anomalies" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from anomalies" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from anomalies" -l json -d 'One JSON object per line'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from anomalies" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from anomalies" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from export" -l since -d 'Only from this day on (UTC), such as 2026-08-01' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from export" -l until -d 'Only up to this day (UTC), which counts too' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from export" -l out -d 'Into this file, which is replaced; without it to standard output' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from export" -l billing-account -d 'What stands as BillingAccountId' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from export" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from export" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from export" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from export" -l focus -d 'As CSV with the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from export" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from help" -f -a "estimate" -d 'Say what processing will probably cost, before it begins: median and 90th percentile, by stage'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from help" -f -a "accuracy" -d 'Say how near estimates were to what was spent, by profile'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from help" -f -a "caps" -d 'Show what each cap on spending leaves today and this month'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show what an asset cost: every attempt and resource, in order'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from help" -f -a "report" -d 'Add up what everything cost'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from help" -f -a "anomalies" -d 'List the days on which a GB of uploads cost unusually much, by prefix and by profile'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write the ledger for other tools, one row for each line'
complete -c reelgate -n "__fish_reelgate_using_subcommand cost; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand queue" -l limit -d 'At most this many lines, oldest first' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand queue" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand queue" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand queue" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand queue" -l assets -d 'The assets that have not ended, oldest first, how far each is, and how long it will take'
complete -c reelgate -n "__fish_reelgate_using_subcommand queue" -l json -d 'One JSON object per line'
complete -c reelgate -n "__fish_reelgate_using_subcommand queue" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand queue" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and not __fish_seen_subcommand_from redrive-dlq help" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and not __fish_seen_subcommand_from redrive-dlq help" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and not __fish_seen_subcommand_from redrive-dlq help" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and not __fish_seen_subcommand_from redrive-dlq help" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and not __fish_seen_subcommand_from redrive-dlq help" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and not __fish_seen_subcommand_from redrive-dlq help" -f -a "redrive-dlq" -d 'Send the events of the dead-letter queue again, to the stream or queue that the fleet reads'
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and not __fish_seen_subcommand_from redrive-dlq help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and __fish_seen_subcommand_from redrive-dlq" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and __fish_seen_subcommand_from redrive-dlq" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and __fish_seen_subcommand_from redrive-dlq" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and __fish_seen_subcommand_from redrive-dlq" -l json -d 'One JSON object on standard output'
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and __fish_seen_subcommand_from redrive-dlq" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and __fish_seen_subcommand_from redrive-dlq" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and __fish_seen_subcommand_from help" -f -a "redrive-dlq" -d 'Send the events of the dead-letter queue again, to the stream or queue that the fleet reads'
complete -c reelgate -n "__fish_reelgate_using_subcommand events; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand sweep" -l prefix -d 'Only uploads whose key begins with this' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sweep" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand sweep" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand sweep" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sweep" -l dry-run -d 'Count and change nothing'
complete -c reelgate -n "__fish_reelgate_using_subcommand sweep" -l json -d 'One JSON object'
complete -c reelgate -n "__fish_reelgate_using_subcommand sweep" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand sweep" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand import" -l rate -d 'Uploads ingested per time: 500/h, 10/m, 2/s' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand import" -l priority -d '`high`, `normal` or `low`' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand import" -l limit -d 'Stop after this many' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand import" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand import" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand import" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand import" -l dry-run -d 'Ingest nothing: count the uploads, and say roughly what they would cost'
complete -c reelgate -n "__fish_reelgate_using_subcommand import" -l json -d 'One JSON object at the end'
complete -c reelgate -n "__fish_reelgate_using_subcommand import" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand import" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand upload" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand upload" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand upload" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand upload" -l json -d 'One JSON object per file and line'
complete -c reelgate -n "__fish_reelgate_using_subcommand upload" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand upload" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand presign" -l expires -d 'How long the link is valid, such as 90s, 15m, 12h; at most 7d, and never longer than the signer\'s credentials' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand presign" -l size -d 'Exactly this many bytes, at most 5 GiB' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand presign" -l content-type -d 'Exactly this media type, such as `video/mp4`' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand presign" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand presign" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand presign" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand presign" -l new-only -d 'Only if no object has this key yet'
complete -c reelgate -n "__fish_reelgate_using_subcommand presign" -l json -d 'One JSON object: method, URL and headers'
complete -c reelgate -n "__fish_reelgate_using_subcommand presign" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand presign" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand migrate" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand migrate" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand migrate" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand migrate" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand migrate" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand verify" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand verify" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand verify" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand verify" -l json -d 'One JSON object per problem and line'
complete -c reelgate -n "__fish_reelgate_using_subcommand verify" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand verify" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand check" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand check" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand check" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand check" -l print-config -d 'Print the configuration in effect as TOML and stop'
complete -c reelgate -n "__fish_reelgate_using_subcommand check" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand check" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and not __fish_seen_subcommand_from grafana cloudwatch rules alarms help" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and not __fish_seen_subcommand_from grafana cloudwatch rules alarms help" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and not __fish_seen_subcommand_from grafana cloudwatch rules alarms help" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and not __fish_seen_subcommand_from grafana cloudwatch rules alarms help" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and not __fish_seen_subcommand_from grafana cloudwatch rules alarms help" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and not __fish_seen_subcommand_from grafana cloudwatch rules alarms help" -f -a "grafana" -d 'Three dashboards for Grafana'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and not __fish_seen_subcommand_from grafana cloudwatch rules alarms help" -f -a "cloudwatch" -d 'Three dashboards for CloudWatch'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and not __fish_seen_subcommand_from grafana cloudwatch rules alarms help" -f -a "rules" -d 'Recording and alerting rules for Prometheus'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and not __fish_seen_subcommand_from grafana cloudwatch rules alarms help" -f -a "alarms" -d 'The CloudFormation template of alarms, dashboards and the log group'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and not __fish_seen_subcommand_from grafana cloudwatch rules alarms help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from grafana" -l out -d 'Directory; it is made where it does not exist, and files of earlier versions are replaced' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from grafana" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from grafana" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from grafana" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from grafana" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from grafana" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from cloudwatch" -l out -d 'Directory; it is made where it does not exist, and files of earlier versions are replaced' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from cloudwatch" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from cloudwatch" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from cloudwatch" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from cloudwatch" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from cloudwatch" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from rules" -l out -d 'Directory; it is made where it does not exist, and files of earlier versions are replaced' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from rules" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from rules" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from rules" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from rules" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from rules" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from alarms" -l out -d 'Directory; it is made where it does not exist, and files of earlier versions are replaced' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from alarms" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from alarms" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from alarms" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from alarms" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from alarms" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from help" -f -a "grafana" -d 'Three dashboards for Grafana'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from help" -f -a "cloudwatch" -d 'Three dashboards for CloudWatch'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from help" -f -a "rules" -d 'Recording and alerting rules for Prometheus'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from help" -f -a "alarms" -d 'The CloudFormation template of alarms, dashboards and the log group'
complete -c reelgate -n "__fish_reelgate_using_subcommand signals; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l nodes -d 'Nodes' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l assets -d 'Uploads' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l seed -d 'Seed of everything random' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l scenario -d 'What goes wrong; `all` runs one after the other and compares them' -r -f -a "steady\t''
node-deaths\t''
spot-wave\t''
failover\t''
poison\t''
all\t''"
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l arrivals-per-s -d 'Uploads a second; where not given, a share (`--load`) of the capacity of cores or database, whichever is less' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l load -d 'Arriving work as a share of the capacity' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l cores -d 'Cores of a node' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l lease-ms -d 'Milliseconds a claim lasts without renewal' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l look-ms -d 'Milliseconds between a node\'s polls for work; the default is the engine\'s' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l store-tasks-per-s -d 'Tasks a second that the database claims and completes, `inf` for no bound; the defaults were measured' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l store-renewals-per-s -d 'Leases a second that the database renews' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l store-calls-per-s -d 'Calls a second, which find or write nothing, that the database answers' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l store-rows-per-s -d 'Rows a second that the database writes' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l plot -d 'Draw waits and load over time into this SVG file' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l home -d 'Directory that holds everything Reelgate keeps: database, work, published, quarantine' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l config -d 'Configuration file (TOML); environment variables such as REELGATE__MEDIA__VIDEO__CRF=20 override it' -r -F
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l log -d 'Log filter, such as `info` or `reelgate_actors=debug`; the log goes to standard error as JSON lines' -r
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -l json -d 'One JSON object'
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -s h -l help -d 'Print help'
complete -c reelgate -n "__fish_reelgate_using_subcommand sim" -s V -l version -d 'Print version'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "run" -d 'Process files or directories and wait until each asset has ended'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "serve" -d 'Watch HOME/ingest and process what arrives, until SIGTERM'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "probe" -d 'Inspect one file without processing it'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "scan" -d 'Look for personal data in text and media files; keeps nothing, prints no value'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "list" -d 'List assets'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "show" -d 'Show one asset: facts, stages, renditions, findings'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "why" -d 'Show an asset\'s history: every event, decision and attempt, in order'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "redrive" -d 'Give failed or rejected assets another try'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "redo" -d 'Make part of a published asset again; the current publication stays until then'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "quarantine" -d 'Quarantine an asset by hand, with its copies and older versions'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "release" -d 'Release a quarantined asset: source and outputs are restored unchanged'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "erase" -d 'Remove everything of an asset that has ended, the source too'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "approve" -d 'Approve another person\'s proposal to release or erase an asset, as `show` names it'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "redact" -d 'Remove something from picture and sound of a published asset'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "hold" -d 'Keep an asset from being erased'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "feedback" -d 'Report that a finding was a false positive'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "audit" -d 'The audit log: export it, or verify an export'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "fleet" -d 'The nodes that work here, and orders to them'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "cost" -d 'What work cost'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "queue" -d 'Show waiting tasks by lane, stage, priority and producer'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "events" -d 'Events of uploads that could not be delivered'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "sweep" -d 'Find uploads whose event was lost: compare the bucket with the store'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "import" -d 'Ingest a back-catalogue at a limited rate'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "upload" -d 'Upload files to the ingest bucket; an interrupted upload continues'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "presign" -d 'Print a link that allows one upload under one key'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "migrate" -d 'Migrate the database to this version; nothing else migrates PostgreSQL'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "verify" -d 'Compare published outputs with the hashes of their proof manifest'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "check" -d 'Check the configuration and the access to every service; changes nothing'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "signals" -d 'Write dashboards, rules and alarms as files for Grafana, Prometheus and CloudWatch'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "sim" -d 'Simulate a fleet in virtual time: waits, losses, load of the database'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and not __fish_seen_subcommand_from run serve probe scan list show why redrive redo quarantine release erase approve redact hold feedback audit fleet cost queue events sweep import upload presign migrate verify check signals sim help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "export" -d 'Write the whole log to a file, sealed at its end'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "verify" -d 'Check that the log is complete and unchanged, and not older than the seal that is kept outside of the database'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from fleet" -f -a "status" -d 'List the nodes seen within the last day'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from fleet" -f -a "drain" -d 'Let a node finish what it runs and take no new work'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from fleet" -f -a "undrain" -d 'Withdraw the order to drain'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from fleet" -f -a "pause" -d 'Let all nodes begin no heavy work: encoding and sampling. What runs is finished, uploads are recorded and validated, and what is personal is still withdrawn'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from fleet" -f -a "resume" -d 'End a pause'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from cost" -f -a "estimate" -d 'Say what processing will probably cost, before it begins: median and 90th percentile, by stage'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from cost" -f -a "accuracy" -d 'Say how near estimates were to what was spent, by profile'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from cost" -f -a "caps" -d 'Show what each cap on spending leaves today and this month'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from cost" -f -a "show" -d 'Show what an asset cost: every attempt and resource, in order'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from cost" -f -a "report" -d 'Add up what everything cost'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from cost" -f -a "anomalies" -d 'List the days on which a GB of uploads cost unusually much, by prefix and by profile'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from cost" -f -a "export" -d 'Write the ledger for other tools, one row for each line'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from events" -f -a "redrive-dlq" -d 'Send the events of the dead-letter queue again, to the stream or queue that the fleet reads'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from signals" -f -a "grafana" -d 'Three dashboards for Grafana'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from signals" -f -a "cloudwatch" -d 'Three dashboards for CloudWatch'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from signals" -f -a "rules" -d 'Recording and alerting rules for Prometheus'
complete -c reelgate -n "__fish_reelgate_using_subcommand help; and __fish_seen_subcommand_from signals" -f -a "alarms" -d 'The CloudFormation template of alarms, dashboards and the log group'

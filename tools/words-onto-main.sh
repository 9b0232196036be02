set -e
cd .
cp tests/tidy/words.rs tools/wt/words_rule.rs
git reset -q --hard main && git clean -qfd
cp tools/wt/words_rule.rs tests/tidy/words.rs
grep -q '^mod words;' tests/tidy/main.rs || sed -i 's/^mod text;/mod text;\nmod words;/' tests/tidy/main.rs
python3 tools/rename.py . && cargo fmt --all && python3 tools/rename.py .
python3 - <<'PY'
p='actors/src/persister.rs'; s=open(p).read()
def rep(a,b):
    global s
    assert a in s, a
    s=s.replace(a,b)
rep('''        self.context
            .availability
            .hold(DrainReason::Unfit, "the last tasks all failed; the self-test is asked");
''','''        self.context.availability.hold(DrainReason::Unfit, "all recent tasks failed; the self-test decides");
''')
rep('''async fn commit(
    context: &EngineContext,
    ended: Vec<TaskEnded>,
) -> Result<Vec<(TaskReport, Applied)>, NotCommitted> {
    let (reports, places): (Vec<_>, Vec<_>) =
        ended.into_iter().map(|one| (one.report, one.trace_parent)).unzip();
    let spans = spans::commits(&reports, places.clone());
''','''async fn commit(context: &EngineContext, ended: Vec<TaskEnded>) -> Result<Committed, NotCommitted> {
    let ended = ended.into_iter().map(|one| (one.report, one.trace_parent));
    let (reports, parents): (Vec<_>, Vec<_>) = ended.unzip();
    let spans = spans::commits(&reports, parents.clone());
''')
rep('''            let again = reports
                .into_iter()
                .zip(places)
                .map(|(report, trace_parent)| TaskEnded { report, trace_parent });
            Err(NotCommitted { reports: again.collect(), error })
''','''            let again = std::iter::zip(reports, parents);
            let again = again.map(|(report, trace_parent)| TaskEnded { report, trace_parent });
            Err(NotCommitted { reports: again.collect(), error })
''')
rep('Vec<(TaskReport, Applied)>','Committed')
rep('/// One transaction; each report\'s part','/// Reports, and what became of each.\ntype Committed = Vec<(TaskReport, Applied)>;\n\n/// One transaction; each report\'s part')
open(p,'w').write(s)
PY
cargo fmt --all
wc -l actors/src/persister.rs
git add -A; git commit -qm "Name things by the field's words: one noun for one meaning

House metaphors and names that several modules shared cost every newcomer a
look. The renames are mechanical; nothing behaves otherwise. A house rule
keeps the old names out."

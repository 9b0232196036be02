import re,subprocess,os,sys
files=[f for f in subprocess.run(["git","ls-files","-co","--exclude-standard","*.rs"],capture_output=True,text=True).stdout.split() if os.path.exists(f)]
# crates: dir/src roots
roots={}
for f in files:
    m=re.match(r"(.*?)src/(lib|main)\.rs$",f)
    if m: roots.setdefault(m.group(1)+"src/",[]).append(f)
def strip(t):
    t=re.sub(r"//[^\n]*","",t)
    # cut tests module
    t=re.sub(r"#\[cfg\(test\)\](\s*#\[[^\]]*\])*\s*mod tests \{.*\Z","",t,flags=re.S)
    return t
def modpath(root,f):
    rel=f[len(root):-3]
    parts=rel.split("/")
    if parts[-1]=="mod": parts=parts[:-1]
    if parts in (["lib"],["main"]): parts=[]
    return tuple(parts)
for root in sorted(roots):
    mods={}
    for f in files:
        if f.startswith(root) and "/tests" not in f[len(root)-1:] and not f.endswith("_tests.rs") and "/bin/" not in f: 
            mp=modpath(root,f)
            if f.endswith("main.rs") and (root+"lib.rs") in files: continue
            mods[mp]=f
    texts={mp:strip(open(f).read()) for mp,f in mods.items()}
    defs={mp:set(re.findall(r"\b(?:fn|struct|enum|trait|type|const|static|macro_rules!|union)\s+(?:unsafe\s+)?(\w+)",t)) for mp,t in texts.items()}
    edges={mp:set() for mp in mods}
    def expand(tree):
        # expand use tree -> list of paths
        tree=tree.strip()
        out=[];
        i=tree.find("{")
        if i<0:
            return [tree.split(" as ")[0].strip()]
        pre=tree[:i]; inner=tree[i+1:tree.rfind("}")]
        depth=0;cur="";items=[]
        for c in inner:
            if c=="{":depth+=1
            if c=="}":depth-=1
            if c=="," and depth==0: items.append(cur);cur=""
            else: cur+=c
        items.append(cur)
        for it in items:
            if it.strip():
                for p in expand(it): out.append(pre.strip()+p)
        return out
    for mp,t in texts.items():
        paths=[]
        for m in re.finditer(r"\buse\s+([^;]+);",t):
            paths+=expand(re.sub(r"\s+"," ",m.group(1)))
        body=re.sub(r"\buse\s+([^;]+);","",t)
        paths+=re.findall(r"\b(?:crate|super)(?:::\w+)+",body)
        for p in paths:
            seg=p.replace(" ","").split("::")
            if seg[0]=="crate": cur=(); seg=seg[1:]
            elif seg[0]=="super":
                cur=mp
                while seg and seg[0]=="super":
                    cur=cur[:-1]; seg=seg[1:]
            elif seg[0]=="self": cur=mp; seg=seg[1:]
            else:
                if mp+(seg[0],) in mods: cur=mp
                else: continue
            while seg and cur+(seg[0],) in mods: cur=cur+(seg[0],); seg=seg[1:]
            # item in cur: if cur doesn't define it but re-exports, follow
            for _ in range(5):
                if not seg or seg[0] in ("*","self",""): break
                name=seg[0]
                if name in defs[cur]: break
                m=re.search(r"\buse\s+((?:self::|crate::|super::)?[\w:]+?)::(?:\{[^;]*\b%s\b[^;]*\}|%s);"%(name,name),texts[cur])
                if not m: break
                s2=m.group(1).split("::")
                if s2[0]=="crate": c2=(); s2=s2[1:]
                elif s2[0]=="super": 
                    c2=cur
                    while s2 and s2[0]=="super": c2=c2[:-1]; s2=s2[1:]
                elif s2[0]=="self": c2=cur; s2=s2[1:]
                else: c2=cur
                ok=True
                for s in s2:
                    if c2+(s,) in mods: c2=c2+(s,)
                    else: ok=False
                if not ok or c2==cur: break
                cur=c2
            if cur!=mp: edges[mp].add(cur)
    # scc
    idx={};low={};st=[];on=set();res=[];n=[0]
    sys.setrecursionlimit(10000)
    def dfs(v):
        idx[v]=low[v]=n[0];n[0]+=1;st.append(v);on.add(v)
        for w in edges[v]:
            if w not in idx: dfs(w);low[v]=min(low[v],low[w])
            elif w in on: low[v]=min(low[v],idx[w])
        if low[v]==idx[v]:
            c=[]
            while True:
                w=st.pop();on.discard(w);c.append(w)
                if w==v:break
            if len(c)>1:res.append(c)
    for v in edges:
        if v not in idx: dfs(v)
    for c in res:
        s=set(c)
        print(root, len(c), [ "::".join(x) or "lib" for x in c])
        for v in c:
            for w in edges[v]:
                if w in s: print("    ","::".join(v) or "lib","->","::".join(w) or "lib")

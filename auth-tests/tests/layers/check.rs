//! What is wrong with the imports of a crate.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Modules, Names, Sources, modules};

/// An import, from file to file, and how it is written.
type Imports = BTreeMap<(String, String), String>;

/// Everything that is wrong, one line each.
pub(crate) fn problems(sources: &Sources, root: &str, has_layers: bool) -> Vec<String> {
    let modules = modules(sources, root);
    let imports = imports(&modules, root);
    let mut problems = Vec::new();
    if has_layers {
        match layers(&sources[root], &modules[&Names::new()].children) {
            Err(problem) => problems.push(problem),
            Ok(layers) => problems.extend(upward(&imports, &layers, root)),
        }
    }
    problems.extend(circles(&imports, root));
    problems
}

/// The layer of each module at the root. The root itself is below them all.
fn layers(root: &str, modules: &BTreeSet<String>) -> Result<BTreeMap<String, usize>, String> {
    let mut layers = BTreeMap::new();
    let lines = root.lines().filter_map(|line| line.trim_start().strip_prefix("// layer:"));
    for (at, line) in lines.enumerate() {
        for name in line.split("--").next().unwrap_or_default().split_whitespace() {
            if layers.insert(name.to_owned(), at + 1).is_some() {
                return Err(format!("the module {name} stands on two layers"));
            }
        }
    }
    let (named, there): (BTreeSet<_>, BTreeSet<_>) =
        (layers.keys().collect(), modules.iter().collect());
    let differing: Vec<_> = named.symmetric_difference(&there).collect();
    if !differing.is_empty() {
        return Err(format!(
            "not both a module and on a layer (`// layer:` in the root file): {differing:?}"
        ));
    }
    Ok(layers)
}

fn upward(imports: &Imports, layers: &BTreeMap<String, usize>, root: &str) -> Vec<String> {
    let layer = |node: &str| layers.get(top(node, root)).copied().unwrap_or(0);
    imports
        .iter()
        .filter(|((from, to), _)| layer(from) < layer(to))
        .map(|((from, to), how)| format!("{from} uses {how} ({to}), which is on a higher layer"))
        .collect()
}

/// The module at the root that a file belongs to.
fn top<'a>(node: &'a str, root: &str) -> &'a str {
    if let Some(inner) = node.strip_prefix(root) {
        return inner.trim_start_matches(" (mod ").trim_end_matches(')');
    }
    node.split(['/', '.']).next().unwrap_or_default()
}

fn imports(modules: &Modules, root: &str) -> Imports {
    let mut imports = Imports::new();
    for (path, module) in modules {
        for named in &module.paths {
            let Some(target) = resolve(modules, path, &named.names, 0) else { continue };
            let is_door = named.is_shown && target.starts_with(path);
            // What the root shows is its purpose; what it uses is looked at.
            let is_roots = module.node == root && target == *path;
            let node = &modules[&target].node;
            if !is_door && !is_roots && *node != module.node {
                let how = named.names.join("::");
                imports.entry((module.node.clone(), node.clone())).or_insert(how);
            }
        }
    }
    imports
}

/// The module that defines what `names` lead to from the module `at`; `None` if
/// that is another crate's.
fn resolve(modules: &Modules, at: &[String], names: &[String], depth: u8) -> Option<Names> {
    // Names that stand for each other, as in `use self::x; use x as y`.
    if depth > 32 {
        return None;
    }
    let (first, mut rest) = names.split_first()?;
    let mut here = at.to_vec();
    match first.as_str() {
        "crate" => here.clear(),
        "self" => {}
        "super" => {
            here.pop();
        }
        name => {
            let module = modules.get(at)?;
            if module.children.contains(name) {
                here.push(name.to_owned());
            } else {
                let known = module.known.get(name).filter(|known| *known != names)?;
                let names = [known.as_slice(), rest].concat();
                return resolve(modules, at, &names, depth + 1);
            }
        }
    }
    while let Some((name, after)) = rest.split_first() {
        let module = modules.get(&here)?;
        if name == "super" {
            here.pop();
        } else if module.children.contains(name) {
            here.push(name.clone());
        } else if let Some(known) = module.known.get(name) {
            let names = [known.as_slice(), after].concat();
            return resolve(modules, &here, &names, depth + 1);
        } else {
            // An item, or what is within one.
            break;
        }
        rest = after;
    }
    modules.contains_key(&here).then_some(here)
}

fn circles(imports: &Imports, root: &str) -> Vec<String> {
    let edges = |with_families: bool| {
        let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (from, to) in imports.keys() {
            // The root shows what is below it, and nothing is above it.
            if [from, to].iter().any(|node| *node == root) {
                continue;
            }
            if with_families || !(is_child(from, to) || is_child(to, from)) {
                edges.entry(from).or_default().insert(to);
            }
        }
        edges
    };
    let is_family = |circle: &BTreeSet<&str>| {
        circle
            .iter()
            .any(|parent| circle.iter().all(|file| file == parent || is_child(file, parent)))
    };
    let mut found = knots(&edges(false));
    found.extend(knots(&edges(true)).into_iter().filter(|circle| !is_family(circle)));
    found
        .into_iter()
        .map(|circle| format!("a circle: {}", circle.into_iter().collect::<Vec<_>>().join(", ")))
        .collect()
}

/// Whether a file stands in the folder of another's name.
fn is_child(file: &str, parent: &str) -> bool {
    let folder = parent.strip_suffix("mod.rs").map(str::to_owned);
    let folder = folder.unwrap_or_else(|| format!("{}/", parent.trim_end_matches(".rs")));
    file != parent && file.starts_with(&folder)
}

/// The sets of more than one file each of which leads to all others.
fn knots<'a>(edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<BTreeSet<&'a str>> {
    let reach = |from: &'a str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(file) = open.pop() {
            let next = edges.get(file).into_iter().flatten().copied();
            open.extend(next.filter(|next| seen.insert(*next)));
        }
        seen
    };
    let reached: BTreeMap<_, _> = edges.keys().map(|file| (*file, reach(file))).collect();
    let leads = |a: &str, b: &str| reached.get(a).is_some_and(|reached| reached.contains(b));
    reached
        .keys()
        .filter(|file| leads(file, file))
        .map(|file| reached.keys().copied().filter(|b| leads(file, b) && leads(b, file)).collect())
        .filter(|circle: &BTreeSet<_>| circle.len() > 1)
        .collect()
}

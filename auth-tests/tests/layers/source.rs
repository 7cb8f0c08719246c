//! The modules of a crate, and the paths in each.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, File, ImplItem, Item, ItemUse, Meta, TraitItem, UseTree, Visibility,
    punctuated::Punctuated,
    visit::{self, Visit},
};

/// The text of each file, by its path below `src`.
pub(crate) type Sources = BTreeMap<String, String>;

/// The names that lead to a module or an item: `["crate", "token", "TokenSet"]`.
pub(crate) type Names = Vec<String>;

/// A module, in a file of its own or within another's.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Its file; within `lib.rs`, its name as well, for that is a room of its own.
    pub(crate) node: String,
    pub(crate) children: BTreeSet<String>,
    /// What `use` makes known here, by the name it has here.
    pub(crate) known: BTreeMap<String, Names>,
    /// Everything that is named here.
    pub(crate) paths: Vec<NamedPath>,
}

#[derive(Debug, Clone)]
pub(crate) struct NamedPath {
    pub(crate) names: Names,
    /// A `pub use`: a door, if it leads to a child.
    pub(crate) is_shown: bool,
}

/// All modules, by their names from the root on.
pub(crate) type Modules = BTreeMap<Names, Module>;

/// Reads the modules of a crate from its root file on.
pub(crate) fn modules(sources: &Sources, root: &str) -> Modules {
    let mut modules = Modules::new();
    let file = syn::parse_file(&sources[root]).expect("Rust");
    read(sources, &file.items, root, &[], &mut modules);
    modules
}

fn read(sources: &Sources, items: &[Item], file: &str, path: &[String], modules: &mut Modules) {
    let is_root = file == "lib.rs" || file == "main.rs";
    let node = match path.last() {
        Some(name) if is_root => format!("{file} (mod {name})"),
        _ => file.to_owned(),
    };
    let mut reader = Reader { module: Module { node, ..Module::default() } };
    for item in items {
        let Item::Mod(inner) = item else {
            reader.visit_item(item);
            continue;
        };
        if is_exempt(&inner.attrs) {
            continue;
        }
        let name = inner.ident.to_string();
        reader.module.children.insert(name.clone());
        let below = [path, std::slice::from_ref(&name)].concat();
        if let Some((_, items)) = &inner.content {
            read(sources, items, file, &below, modules);
        } else {
            let (file, text) = file_of(sources, &below, &inner.attrs);
            let File { items, .. } = syn::parse_file(text).expect("Rust");
            read(sources, &items, &file, &below, modules);
        }
    }
    modules.insert(path.to_vec(), reader.module);
}

fn file_of<'a>(sources: &'a Sources, path: &[String], attrs: &[Attribute]) -> (String, &'a str) {
    assert!(!attrs.iter().any(|attr| attr.path().is_ident("path")), "#[path] is not understood");
    let path = path.join("/");
    [format!("{path}.rs"), format!("{path}/mod.rs")]
        .into_iter()
        .find_map(|file| Some((file.clone(), sources.get(&file)?.as_str())))
        .unwrap_or_else(|| panic!("there is no file for the module {path}"))
}

/// Tests may use anything, and so may documentation.
fn is_exempt(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| {
        attr.path().is_ident("cfg") && attr.parse_args::<Meta>().is_ok_and(|cfg| is_test(&cfg))
    })
}

fn is_test(cfg: &Meta) -> bool {
    let Meta::List(list) = cfg else {
        return ["test", "doc", "doctest"].iter().any(|name| cfg.path().is_ident(name));
    };
    let parser = Punctuated::<Meta, syn::Token![,]>::parse_terminated;
    list.path.is_ident("all")
        && list.parse_args_with(parser).is_ok_and(|all| all.iter().any(is_test))
}

struct Reader {
    module: Module,
}

impl Reader {
    fn name(&mut self, names: Names) {
        self.module.paths.push(NamedPath { names, is_shown: false });
    }

    fn tree(&mut self, tree: &UseTree, before: &[String], is_shown: bool) {
        let with = |name: String| [before, &[name]].concat();
        let (mut names, here) = match tree {
            UseTree::Path(path) => {
                return self.tree(&path.tree, &with(path.ident.to_string()), is_shown);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.tree(tree, before, is_shown));
            }
            UseTree::Name(name) => (with(name.ident.to_string()), None),
            UseTree::Rename(name) => (with(name.ident.to_string()), Some(name.rename.to_string())),
            UseTree::Glob(_) => (before.to_vec(), Some("*".to_owned())),
        };
        // `use a::{self}` is `use a`.
        if names.len() > 1 && names.last().is_some_and(|last| last == "self") {
            names.pop();
        }
        let here = here.or_else(|| names.last().cloned()).unwrap_or_default();
        self.module.paths.push(NamedPath { names: names.clone(), is_shown });
        self.module.known.insert(here, names);
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut names = Names::new();
        let mut colons = 0;
        let end = |names: &mut Names, reader: &mut Self| {
            let names = std::mem::take(names);
            if names.len() > 1 {
                reader.name(names);
            }
        };
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        end(&mut names, self);
                    }
                    names.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    end(&mut names, self);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        end(&mut names, self);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attrs = match item {
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Type(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_exempt(attrs) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let is_exempt = matches!(item, ImplItem::Fn(item) if is_exempt(&item.attrs));
        if !is_exempt {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let is_exempt = matches!(item, TraitItem::Fn(item) if is_exempt(&item.attrs));
        if !is_exempt {
            visit::visit_trait_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        // A leading `::` names another crate.
        if item.leading_colon.is_none() {
            self.tree(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            self.name(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    // `pub(in crate::x)` is no use of it.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

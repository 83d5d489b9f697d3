//! Names: who may have which, what an inactive object is called, and how hierarchies spell themselves.

use serde_json::Value;

use super::{
    Company,
    faults::Fault,
    kinds::Kind,
    store::{Touch, number_of},
    wire::{Members, Object},
};

/// Intuit allows five levels, the top one included.
const DEEPEST_LEVEL: usize = 4;

/// Under which a name is unique: customers, vendors and employees share one space, items have one for each parent.
pub(crate) fn key(kind: Kind, parent: Option<&str>, name: &str) -> String {
    let space = match kind {
        Kind::Customer | Kind::Vendor | Kind::Employee => "Name".to_owned(),
        Kind::Item | Kind::Account | Kind::Class | Kind::Department => {
            format!("{}/{}", kind.name(), parent.unwrap_or_default())
        }
        _ => kind.name().to_owned(),
    };
    format!("{space}:{}", name.to_lowercase())
}

/// The key of an object's name, if objects of its kind have unique names.
pub(crate) fn key_of(kind: Kind, value: &Value) -> Option<String> {
    Some(key(kind, value.reference("ParentRef"), value.text(kind.name_member()?)?))
}

/// The name without what deactivation put behind it.
fn original(name: &str) -> &str {
    let Some((original, suffix)) = name.rsplit_once(" (deleted") else { return name };
    let numbered = |rest: &str| rest.strip_prefix(' ').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    match suffix.strip_suffix(')') {
        Some(rest) if rest.is_empty() || numbered(rest) => original,
        _ => name,
    }
}

impl Company {
    /// Gives the draft its final name: free among its kind, with the suffix of inactive objects, which frees the
    /// name for others. Intuit: Error codes, 6240.
    pub(crate) fn settle_name(
        &self,
        kind: Kind,
        object: &mut Object,
        previous: Option<&Object>,
    ) -> Result<(), Fault> {
        let Some(member) = kind.name_member() else { return Ok(()) };
        let Some(given) = object.text(member).map(str::to_owned) else { return Ok(()) };
        let id = previous.and_then(|previous| previous.text("Id")).and_then(number_of);
        let was_inactive =
            previous.is_some_and(|previous| previous.member("Active") == Some(&Value::Bool(false)));
        let base = if was_inactive { original(&given) } else { &given };
        let active = object.member("Active") != Some(&Value::Bool(false));
        let name = if active { base.to_owned() } else { self.inactive_name(kind, object, base, id) };
        if active && self.is_taken(kind, object.reference("ParentRef"), &name, id) {
            return Err(match kind {
                Kind::Account => Fault::duplicate_name_of("account"),
                Kind::Class => Fault::duplicate_name_of("class"),
                Kind::Department => Fault::duplicate_name_of("department"),
                Kind::Term => Fault::duplicate_name_of("term"),
                Kind::PaymentMethod => Fault::duplicate_name_of("payment method"),
                Kind::TaxAgency => Fault::duplicate_name_of("tax agency"),
                _ => Fault::duplicate_name(),
            });
        }
        object.insert(member.to_owned(), name.into());
        Ok(())
    }

    fn is_taken(&self, kind: Kind, parent: Option<&str>, name: &str, by_other_than: Option<u64>) -> bool {
        let other = |id: u64, holder: Kind| Some(id) != by_other_than || holder != kind;
        if self.store.holder(&key(kind, parent, name)).is_some_and(|(holder, id)| other(id, holder)) {
            return true;
        }
        kind == Kind::Item
            && self.switches.item_names_unique_in_company
            && self.store.table(kind).is_some_and(|table| {
                let same = |value: &Value| {
                    value.text("Name").is_some_and(|n| n.to_lowercase() == name.to_lowercase())
                };
                table.rows().any(|(id, row)| other(id, kind) && same(&row.value))
            })
    }

    fn inactive_name(&self, kind: Kind, object: &Object, base: &str, id: Option<u64>) -> String {
        let parent = object.reference("ParentRef");
        let first = format!("{base} (deleted)");
        let numbered = (2_u32..).map(|n| format!("{base} (deleted {n})"));
        std::iter::once(first.clone())
            .chain(numbered)
            .find(|name| !self.is_taken(kind, parent, name, id))
            .unwrap_or(first)
    }

    /// Sets `FullyQualifiedName` and, for a child, `Level`. The draft's parent must exist, be active, not be the
    /// object itself or below it, and leave the hierarchy within five levels.
    pub(crate) fn settle_place(&self, kind: Kind, object: &mut Object) -> Result<(), Fault> {
        let own_name =
            kind.name_member().and_then(|member| object.text(member)).unwrap_or_default().to_owned();
        let Some(parent_id) = object.reference("ParentRef").map(str::to_owned) else {
            object.insert("FullyQualifiedName".to_owned(), own_name.into());
            object.remove("Level");
            return Ok(());
        };
        let parent = self.refer(kind, &parent_id)?;
        let line = self.ancestors(kind, &parent_id);
        if object.text("Id").is_some_and(|id| line.iter().any(|ancestor| ancestor == id)) {
            return Err(Fault::own_parent());
        }
        let height = object.text("Id").map_or(0, |id| self.height(kind, id));
        if line.len() + height > DEEPEST_LEVEL {
            return Err(Fault::too_deep());
        }
        let full = format!("{}:{own_name}", parent.text("FullyQualifiedName").unwrap_or_default());
        object.insert("FullyQualifiedName".to_owned(), full.into());
        object.insert("Level".to_owned(), line.len().into());
        Ok(())
    }

    /// The object and everything above it, upwards.
    pub(crate) fn ancestors(&self, kind: Kind, id: &str) -> Vec<String> {
        let mut line = vec![id.to_owned()];
        while let Some(parent) = line.last().and_then(|id| self.store.get(kind, id)?.reference("ParentRef")) {
            line.push(parent.to_owned());
        }
        line
    }

    /// How many levels are below an object.
    fn height(&self, kind: Kind, id: &str) -> usize {
        let Some(table) = self.store.table(kind) else { return 0 };
        table.children(id).map(|child| 1 + self.height(kind, &child.to_string())).max().unwrap_or(0)
    }

    /// Respells the places of everything below an object whose name or parent has changed.
    pub(crate) fn respell_below(&mut self, kind: Kind, id: &str, now: jiff::Timestamp) {
        let Some(parent) = self.store.get(kind, id) else { return };
        let full = parent.text("FullyQualifiedName").unwrap_or_default().to_owned();
        let level = parent.amount_or_zero("Level") + rust_decimal::Decimal::ONE;
        let children: Vec<u64> =
            self.store.table(kind).map(|table| table.children(id).collect()).unwrap_or_default();
        for child in children {
            let child = child.to_string();
            let Some(mut object) = self.store.get(kind, &child).cloned() else { continue };
            let own = kind.name_member().and_then(|member| object.text(member)).unwrap_or_default();
            let spelled = format!("{full}:{own}");
            if object.text("FullyQualifiedName") == Some(&spelled) && object.amount("Level") == Some(level) {
                continue;
            }
            object.insert("FullyQualifiedName".to_owned(), spelled.into());
            object.insert("Level".to_owned(), super::wire::quantity(level));
            self.store.replace(kind, &child, object, Touch::Nothing, now);
            self.respell_below(kind, &child, now);
        }
    }

    /// The active object that a reference means.
    pub(crate) fn refer(&self, kind: Kind, id: &str) -> Result<&Object, Fault> {
        let object =
            self.store.get(kind, id).ok_or_else(|| Fault::no_such_reference(kind.in_faults(), id))?;
        if object.member("Active") == Some(&Value::Bool(false)) {
            return Err(Fault::inactive_reference());
        }
        Ok(object)
    }

    /// Checks the reference `member` of a draft, if it is there, and writes the name behind it.
    pub(crate) fn settle_reference(
        &self,
        object: &mut Object,
        member: &str,
        kind: Kind,
    ) -> Result<(), Fault> {
        let Some(id) = object.reference(member).map(str::to_owned) else { return Ok(()) };
        let target = self.refer(kind, &id)?;
        let full = target.text("FullyQualifiedName");
        let name =
            full.or_else(|| kind.name_member().and_then(|member| target.text(member))).unwrap_or_default();
        let reference = serde_json::json!({ "value": id, "name": name });
        object.insert(member.to_owned(), reference);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::original;

    #[test]
    fn the_suffix_comes_off_and_nothing_else() {
        for (name, bare) in [
            ("Otter (deleted)", "Otter"),
            ("Otter (deleted 2)", "Otter"),
            ("Otter (deleted) (deleted)", "Otter (deleted)"),
            ("Otter (deleted x)", "Otter (deleted x)"),
            ("Otter (deletedly)", "Otter (deletedly)"),
            ("Otter", "Otter"),
        ] {
            assert_eq!(original(name), bare);
        }
    }
}

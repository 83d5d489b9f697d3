//! What the API does, and where.

use lambda_http::http::Method;

/// An operation of the API. Each function answers its own and finds nothing at the others' addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Push an invoice and wait.
    PushInvoice,
    /// What became of an event.
    GetEvent,
    /// A company at a glance.
    GetCompany,
    /// A link into the console.
    CreateConsoleLink,
    /// A new API key.
    RotateApiKey,
    /// No API key any more.
    RevokeApiKey,
    /// How a record stands.
    GetRecord,
    /// The activity log.
    ListActivity,
    /// What waits is put back on its queue.
    Retry,
    /// What waits is ended.
    Ignore,
}

impl Operation {
    /// All of them, in the order of the description.
    pub const ALL: [Operation; 10] = [
        Operation::PushInvoice,
        Operation::GetEvent,
        Operation::GetCompany,
        Operation::CreateConsoleLink,
        Operation::RotateApiKey,
        Operation::RevokeApiKey,
        Operation::GetRecord,
        Operation::ListActivity,
        Operation::Retry,
        Operation::Ignore,
    ];

    /// Its method, and the template of its path, for [`values`].
    pub fn address(self) -> (Method, &'static str) {
        match self {
            Operation::PushInvoice => (Method::POST, "/companies/{company}/invoices/push"),
            Operation::GetEvent => (Method::GET, "/companies/{company}/events/{event+}"),
            Operation::GetCompany => (Method::GET, "/companies/{company}"),
            Operation::CreateConsoleLink => (Method::POST, "/companies/{company}/console-links"),
            Operation::RotateApiKey => (Method::POST, "/companies/{company}/api-key"),
            Operation::RevokeApiKey => (Method::DELETE, "/companies/{company}/api-key"),
            Operation::GetRecord => (Method::GET, "/companies/{company}/records/{kind}/{id+}"),
            Operation::ListActivity => (Method::GET, "/companies/{company}/activity"),
            Operation::Retry => (Method::POST, "/companies/{company}/activity/retry"),
            Operation::Ignore => (Method::POST, "/companies/{company}/activity/ignore"),
        }
    }

    /// Its path as the description and the deployment write it.
    pub fn path(self) -> String {
        self.address().1.replace("+}", "}")
    }

    /// The operation of a request, and the values in its path, the company first.
    pub fn of<'p>(method: &Method, path: &'p str) -> Option<(Operation, Vec<&'p str>)> {
        Operation::ALL.into_iter().find_map(|operation| {
            let (of, template) = operation.address();
            Some((operation, values(template, path).filter(|_| of == *method)?))
        })
    }
}

/// What stands in a path where its template has names in braces; none if the path is not of the template. A value is
/// one part of the path, as it was sent, and never empty. A last name such as `{id+}` takes all the rest, since API
/// Gateway may have decoded the slashes in an id.
pub fn values<'p>(template: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let (mut template, mut path, mut found) = (template, path, Vec::new());
    loop {
        if template.starts_with('{') && template.ends_with("+}") && !template.contains('/') {
            found.push(path);
            return (!path.is_empty()).then_some(found);
        }
        let (name, names) =
            template.split_once('/').map_or((template, None), |(one, rest)| (one, Some(rest)));
        let (part, parts) = path.split_once('/').map_or((path, None), |(one, rest)| (one, Some(rest)));
        match name.starts_with('{') {
            true if part.is_empty() => return None,
            true => found.push(part),
            false if name != part => return None,
            false => {}
        }
        (template, path) = match (names, parts) {
            (None, None) => return Some(found),
            (Some(names), Some(parts)) => (names, parts),
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_apart_by_its_template() {
        assert_eq!(values("/a/{b}/c/{d}", "/a/1/c/x%2Fy"), Some(vec!["1", "x%2Fy"]));
        assert_eq!(values("/a/{b}/{c+}", "/a/1/2/3"), Some(vec!["1", "2/3"]));
        assert_eq!(values("/a", "/a"), Some(Vec::new()));
        assert_eq!(values("/a/{b+}", "/a/"), None);
        for path in ["/a/1/c", "/a/1/c/2/3", "/a//c/2", "/a/1/x/2", "a/1/c/2", ""] {
            assert_eq!(values("/a/{b}/c/{d}", path), None, "{path}");
        }
    }

    #[test]
    fn each_operation_is_found_at_its_own_address() {
        for operation in Operation::ALL {
            let (method, template) = operation.address();
            let (found, values) = Operation::of(&method, template).unwrap();
            assert_eq!((found, values.first()), (operation, Some(&"{company}")));
            assert_eq!(Operation::of(&Method::PATCH, template), None);
        }
    }

    /// What is described and not deployed would be answered by nobody.
    #[test]
    fn each_operation_has_its_route_in_the_template() {
        let template = include_str!("../../../template.yaml");
        for operation in Operation::ALL {
            let route = format!("Method: {}, Path: \"{}\" }}", operation.address().0, operation.path());
            assert!(template.contains(&route), "{route}");
        }
    }
}

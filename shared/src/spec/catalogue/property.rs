//! A property and an object, as they are declared.

/// A kind of object.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    /// Its name in the schema and the reference, such as `PodCreate`.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// The values of its `type` that tell it apart from others in the same place; empty where nothing else can stand.
    pub types: &'static [&'static str],
    /// At least one of these properties must be there; empty when nothing is asked.
    pub needs_one_of: &'static [&'static str],
    /// Its properties, in the order of the reference; objects share parts.
    pub parts: &'static [&'static [Property]],
}

/// One property of an object.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// As it is written.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// What becomes of it.
    pub status: Status,
    /// It must be there.
    pub required: bool,
    /// Its value is never shown.
    pub secret: bool,
    /// What counts when it is absent, as it would be written.
    pub default: Option<&'static str>,
    /// One line.
    pub about: &'static str,
}

/// What becomes of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is read.
    Read,
    /// It is accepted since documents have it, and changes nothing.
    Inert,
    /// It is accepted and changes nothing, and the result warns of that. Why.
    Ignored(&'static str),
    /// It is read as the older spelling of another property, which comes first.
    Older(&'static str),
    /// It is known and refused, unless it asks for nothing (`false` or null). What to do instead; empty when there is nothing.
    Refused(&'static str),
}

/// What a value looks like. Everything that is not a map or a list may be a template; a text may be written as a number or a boolean.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A text.
    Text,
    /// A text that is one of these words.
    Words(&'static [&'static str]),
    /// A text that is one of these words in any letter case, with or without `_` and `-`.
    Spelled(&'static [&'static str]),
    /// True or false.
    Flag,
    /// A whole number of at least 1.
    Count,
    /// A number.
    Number,
    /// An ISO-8601 duration; zero is a duration.
    Duration,
    /// An ISO-8601 duration above zero.
    Time,
    /// A Kubernetes quantity.
    Quantity,
    /// An image reference.
    Image,
    /// A whole number of seconds, or an ISO-8601 duration.
    Seconds,
    /// A whole number, or a list of them.
    Codes,
    /// A list of texts, or one text.
    Texts,
    /// A list of at least one text, or one text.
    SomeTexts,
    /// A list of globs, or one.
    Globs,
    /// A map of texts.
    TextMap,
    /// A map of texts, in which null is an empty one.
    Labels,
    /// A map of texts, or a list of `v1.EnvVar`.
    Environment,
    /// A list of names or of maps with a `name`, or names with commas between them.
    Names,
    /// A list of maps.
    Maps,
    /// A map from path to content, or such a map as JSON.
    Files,
    /// A map with anything in it.
    Map,
    /// A list with anything in it.
    List,
    /// Anything.
    Any,
    /// An object of the Kubernetes API, by its name there.
    Kubernetes(&'static str),
    /// An object declared here.
    Object(&'static Object),
    /// A list of objects declared here.
    Objects(&'static Object),
    /// One of several objects, told apart by `type`.
    Variants(&'static [&'static Object]),
    /// The one task of a flow.
    OneTask,
    /// A task or a flow, or either as a text of YAML or JSON.
    Document,
}

impl Object {
    /// All properties, in the order of the reference.
    pub fn properties(&self) -> impl Iterator<Item = &'static Property> + use<> {
        self.parts.iter().flat_map(|part| part.iter())
    }

    /// The property whose value tells the object apart from others in the same place.
    pub fn tag(&self) -> &'static str {
        let first = self.properties().find(|property| property.required).map(|property| property.name);
        first.filter(|name| ["operator", "executor"].contains(name)).unwrap_or("type")
    }

    /// The property of that name.
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties().find(|property| property.name == name)
    }
}

impl Property {
    /// A property that is read.
    pub(super) const fn read(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Property { name, shape, status: Status::Read, required: false, secret: false, default: None, about }
    }

    /// A property that is accepted and changes nothing.
    pub(super) const fn inert(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Property { status: Status::Inert, ..Self::read(name, shape, about) }
    }

    /// A property that is accepted, changes nothing, and is warned of.
    pub(super) const fn ignored(name: &'static str, shape: Shape, reason: &'static str) -> Self {
        Property { status: Status::Ignored(reason), ..Self::read(name, shape, "") }
    }

    /// An older spelling of another property.
    pub(super) const fn older(name: &'static str, shape: Shape, of: &'static str) -> Self {
        Property { status: Status::Older(of), ..Self::read(name, shape, "") }
    }

    /// A property that is known and refused.
    pub(super) const fn refused(name: &'static str, instead: &'static str) -> Self {
        Property { status: Status::Refused(instead), ..Self::read(name, Shape::Any, "") }
    }

    /// … that must be there.
    pub(super) const fn required(self) -> Self {
        Property { required: true, ..self }
    }

    /// … whose value is never shown.
    pub(super) const fn secret(self) -> Self {
        Property { secret: true, ..self }
    }

    /// … with what counts when it is absent.
    pub(super) const fn default(self, written: &'static str) -> Self {
        Property { default: Some(written), ..self }
    }

    /// It may be written.
    pub fn is_accepted(&self) -> bool {
        !matches!(self.status, Status::Refused(_))
    }
}

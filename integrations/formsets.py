"""Rows with "+" and "−": the server owns them, so that they work without JavaScript and htmx only swaps them.

A row button changes the number of rows and nothing else: everything typed stays, nothing is validated.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseFormSet, CharField, Form, ModelChoiceField, Select, TextInput, formset_factory
from django.http import QueryDict

from integrations.mapping import check_path
from integrations.models import CatalogueRow, Environment, TrafficType
from integrations.row_buttons import ADD_BUTTON, MAX_ROWS
from integrations.validation import clean_environment_name, clean_path, repeated_rows, whole_number

NAMES = ("Sentry", "Harness")


class UpstreamChoice(ModelChoiceField):  # type: ignore[type-arg] # no parameters at run time
    """A menu of what FME has; what it no longer lists is marked and stays while a row uses it."""

    def label_from_instance(self, row: CatalogueRow) -> str:
        return f"{row.name} (no longer in FME)" if row.gone_at else row.name


def _text(**attributes: str) -> TextInput:
    return TextInput({"class": "ctl mono", "autocomplete": "off", "spellcheck": "false", **attributes})


class MappingRow(Form):
    """One row: text on Sentry's side (`left`), a menu on FME's (`right`)."""

    left_name: str
    right_name: str
    use_required_attribute = False

    def __init__(self, *args: Any, choices: QuerySet[Any], is_focused: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[self.right_name].queryset = choices  # type: ignore[attr-defined] # an UpstreamChoice
        self.notice = ""
        if is_focused:
            self.fields[self.left_name].widget.attrs["autofocus"] = True

    @property
    def left(self) -> Any:
        return self[self.left_name]

    @property
    def right(self) -> Any:
        return self[self.right_name]

    @property
    def pair(self) -> tuple[str, Any] | None:
        """Both sides when both are valid."""
        data = getattr(self, "cleaned_data", {})
        left, right = data.get(self.left_name), data.get(self.right_name)
        return (left, right) if left and right else None


class EnvironmentRow(MappingRow):
    left_name, right_name = "sentry_environment", "environment"

    sentry_environment = CharField(
        label="Sentry environment",
        widget=_text(list="sentry-environments"),
        error_messages={"required": "Enter the environment’s name as your code sends it."},
    )
    environment = UpstreamChoice(
        Environment.objects.none(),
        label="Harness FME environment",
        empty_label="Choose…",
        widget=Select({"class": "ctl"}),
        error_messages={"required": "Choose an environment.", "invalid_choice": "Choose one of the list."},
    )

    def clean_sentry_environment(self) -> str:
        return clean_environment_name(self.cleaned_data["sentry_environment"])


class IdentityRow(MappingRow):
    left_name, right_name = "path", "traffic_type"

    path = CharField(
        label="Sentry identity path",
        widget=_text(list="sentry-paths"),
        error_messages={"required": "Enter the path of the key, such as data.error.user.id."},
    )
    traffic_type = UpstreamChoice(
        TrafficType.objects.none(),
        label="Harness FME traffic type",
        empty_label="Choose…",
        widget=Select({"class": "ctl"}),
        error_messages={"required": "Choose a traffic type.", "invalid_choice": "Choose one of the list."},
    )

    def clean_path(self) -> str:
        typed: str = self.cleaned_data["path"]
        path = clean_path(typed)
        if path != typed:
            self.notice = f"You typed {typed}. {check_path(typed).message}"
            show_corrected(self, "path", path)
        return path


if TYPE_CHECKING:
    FormSetOfMappingRows = BaseFormSet[MappingRow]
else:
    FormSetOfMappingRows = BaseFormSet  # generic in the stubs only


class MappingRows(FormSetOfMappingRows):
    """All rows of one group; `words` names it in sentences, `gone` are the rows that "−" took away."""

    words = ""
    title = ""
    focused: int | None = None

    def __init__(self, *args: Any, gone: Sequence[Mapping[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gone = gone

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_form_kwargs(index)
        focused = index is not None and index == self.focused
        return kwargs | {"is_focused": focused, "empty_permitted": False}  # a blank row is a mistake to show

    @property
    def is_add_focused(self) -> bool:
        """Whether "+" takes the focus: the last row was taken away, or there are too many."""
        return self.focused == ADD_BUTTON

    @property
    def left_label(self) -> str:
        return str(self.form.base_fields[self.form.left_name].label)

    @property
    def right_label(self) -> str:
        return str(self.form.base_fields[self.form.right_name].label)

    @property
    def gone_in_words(self) -> list[tuple[str, Mapping[str, str]]]:
        """The rows that "−" took away, each as it read and as the page keeps it."""
        if not self.gone:
            return []
        chosen = {row.pk: row for row in self.form_kwargs["choices"]}
        left, right = self.form.left_name, self.form.right_name
        return [
            (f"{row[left] or '(blank)'} → {chosen.get(whole_number(row[right])) or '(not chosen)'}", row)
            for row in self.gone
        ]

    def clean(self) -> None:
        """At least one row, none twice; a repeated row says which one it repeats."""
        if not self.forms:
            raise ValidationError(f"Add at least one {self.words} mapping.")
        places = [place for place, row in enumerate(self.forms) if row.pair]
        repeated = repeated_rows([self.forms[place].pair for place in places])
        for again, first in repeated.items():
            words = f"The same as row {places[first] + 1}. Remove one of them."
            self.forms[places[again]].add_error(self.form.left_name, words)

    def pairs(self) -> tuple[tuple[str, Any], ...]:
        """The valid rows, left and right."""
        return tuple(row.pair for row in self.forms if row.pair)

    def problems(self) -> Iterator[tuple[str, str]]:
        """Each error as (id of its control, sentence that names the row)."""
        for error in self.non_form_errors():
            yield f"add-{self.prefix}", f"{self.title}: {lower_first(str(error))}"
        for number, row in enumerate(self.forms, start=1):
            for bound in (row.left, row.right):
                for error in bound.errors:
                    yield bound.auto_id, f"{self.title}, row {number}: {lower_first(str(error))}"


class EnvironmentRows(MappingRows):
    words, title = "environment", "Map Environments"


class IdentityRows(MappingRows):
    words, title = "identity", "Map Identities"


_LIMITS: dict[str, Any] = {"extra": 0, "max_num": MAX_ROWS, "absolute_max": MAX_ROWS}
EnvironmentFormSet = formset_factory(EnvironmentRow, formset=EnvironmentRows, **_LIMITS)
IdentityFormSet = formset_factory(IdentityRow, formset=IdentityRows, **_LIMITS)


def show_corrected(form: Form, name: str, value: str) -> None:
    """Have a field shown as it was understood, should the form come back; its data must be a copy."""
    cast(QueryDict, form.data)[form.add_prefix(name)] = value


def lower_first(sentence: str) -> str:
    """A sentence as the end of another; names keep their capital."""
    return sentence if sentence.startswith(NAMES) else sentence[:1].lower() + sentence[1:]

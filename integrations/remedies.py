"""What can be wrong between this app and Sentry, in a sentence each: what happened, and what to do. Pure."""

import re

from integrations.payloads.lenient import JsonValue

REDIRECTS = (301, 302, 307, 308)
_SLUG = re.compile(r"[\w.-]{1,100}", re.ASCII)

REINSTALL = (
    "Uninstall the app in Sentry and install it again, because Sentry hands out a code for new tokens only "
    "on installing; then paste the new Installation ID here and save."
)

WAITING = (
    "Waiting for Sentry to announce this installation. Check that the Installation ID is the one Sentry "
    f"shows; if it is, and the app was installed while this address could not be reached: {REINSTALL}"
)
UNKNOWN = (
    "Sentry knows no installation with this Installation ID (404). Copy the ID again from Sentry; if the app "
    "was uninstalled there, install it again and paste the new ID."
)
CODE_EXPIRED = f"The code that Sentry sent on installing was not exchanged within ten minutes. {REINSTALL}"
CODE_REFUSED = (
    "Sentry refused the code of this installation: it was used already or belongs to another one. "
    f"{REINSTALL}"
)
TOKENS_LOST = (
    f"Sentry no longer accepts the tokens of this installation and refused to issue new ones. {REINSTALL}"
)
CREDENTIALS = (
    "Sentry does not accept the app's Client ID and Client Secret (401). Set SENTRY_CLIENT_ID and "
    "SENTRY_CLIENT_SECRET to those of the app in Sentry (Settings → Developer Settings) and restart; then it "
    "goes on by itself."
)
UNINSTALLED = (
    "The app was uninstalled in Sentry, so no exceptions come in. Install it again in Sentry, paste the new "
    "Installation ID here and save."
)
BEING_RENEWED = "The installation's token is being renewed; the hook follows in a moment."
NO_INSTALLATION = "No Sentry installation belongs to this hook. Paste the Installation ID here and save."


def reinstalled(uuid: object) -> str:
    """For an integration whose installation is gone, while the organization has a newer one."""
    return (
        f"The app was uninstalled in Sentry and has been installed again since, as {uuid}. Paste that "
        "Installation ID here and save, so that the service hook is made anew."
    )


def for_hook(
    status: int | None, body: JsonValue, words: str, *, organization: str, project_slug: str, url: str
) -> str:
    """The sentence for a service hook that Sentry would not list, make or change; `words` are Sentry's."""
    if status in REDIRECTS:
        return _moved(new_slug(body), project_slug)
    if status == 403 and isinstance(body, dict) and body.get("error_type") == "unavailable_feature":
        return f"{words} {_NOT_IN_THE_PLAN}"
    if status == 400 and isinstance(body, dict) and "url" in body:
        return (
            f"{words} Sentry does not take the address {url}. Set PUBLIC_URL to the https address under "
            "which Sentry reaches this app, restart and save again."
        )
    if status == 404:
        return (
            f"{words} Sentry finds no project “{project_slug}” in the organization “{organization}” for this "
            "installation. Check both slugs, and that the app is installed in that organization."
        )
    if status is None or status >= 500:
        return f"{words} It is tried again by itself."
    return f"{words} {_BY_STATUS.get(status, '')}".strip()


def for_listing(status: int | None, words: str, *, organization: str, project_slug: str) -> str:
    """The sentence for names that Sentry would not list: nothing is wrong with the form because of it."""
    what = "this project’s environments" if project_slug else "projects"
    if status == 403:
        permission = "Project: Read" if project_slug else "Organization: Read"
        return (
            f"Sentry does not let this app list {what} (403). To suggest them it needs the permission "
            f"“{permission}” in Sentry."
        )
    if status == 404 or status in REDIRECTS:
        place = (
            f"project “{project_slug}” in “{organization}”"
            if project_slug
            else f"organization “{organization}”"
        )
        return f"Sentry finds no {place} for this installation ({status}), so nothing is suggested."
    return f"Sentry did not list {what}, so none is suggested. {words}"


def for_other_organization(installed_in: str, organization: str) -> str:
    """An installation works in one organization only."""
    return (
        f"The installation belongs to the Sentry organization “{installed_in}”, not to “{organization}”. "
        f"Correct the Sentry Organization, or install the app in “{organization}” and paste that "
        "Installation ID."
    )


def for_refused_removal(words: str) -> str:
    """Deleting needs more rights than making."""
    return (
        f"{words} The app may not delete service hooks: that needs “Project: Admin”. Delete the hook in "
        "Sentry, or give the app the permission and check again. Until then its deliveries are ignored."
    )


def new_slug(body: JsonValue) -> str:
    """A renamed project answers with its new `slug` (source of 2026), also under `detail.extra`."""
    match body:
        case {"slug": str() as slug} | {"detail": {"extra": {"slug": str() as slug}}}:
            return slug if _SLUG.fullmatch(slug) else ""
    return ""


def _moved(slug: str, project_slug: str) -> str:
    if not slug:
        return "Sentry answers with a redirect. Set SENTRY_BASE_URL to the address that it redirects to."
    return (
        f"Sentry says the project “{project_slug}” is now called “{slug}”. Set the Sentry Project Slug to "
        f"“{slug}” and save."
    )


_NOT_IN_THE_PLAN = (
    "Service hooks are not switched on for this project: on sentry.io they need the Business plan or a "
    "higher one; on a server of your own switch on the feature projects:servicehooks. Then check again."
)

_BY_STATUS = {
    401: f"Sentry does not accept the installation's token although it is new. {REINSTALL}",
    403: (
        "The app lacks the permission: give it “Project: Admin” in Sentry (Settings → Developer Settings), "
        "accept it for the installation, and check again."
    ),
    429: "Sentry limits how often it may be asked; the next try waits as long as Sentry wishes.",
}

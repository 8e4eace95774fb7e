"""Every sentence says what happened, in Sentry's words where it has any, and what to do about it."""

import pytest

from integrations import remedies

PLACE = {
    "organization": "acme",
    "project_slug": "front-end",
    "url": "http://localhost:8000/webhooks/sentry/hooks/1/",
}


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (
            302,
            {"slug": "shop"},
            "Sentry says the project “front-end” is now called “shop”. Set the Sentry Project Slug to"
            " “shop” and save.",
        ),
        (
            302,
            {"detail": {"extra": {"slug": "shop"}}},
            "Sentry says the project “front-end” is now called “shop”. Set the Sentry Project Slug to"
            " “shop” and save.",
        ),
        (
            301,
            None,
            "Sentry answers with a redirect. Set SENTRY_BASE_URL to the address that it redirects to.",
        ),
        (
            302,
            {"slug": "../evil?x"},
            "Sentry answers with a redirect. Set SENTRY_BASE_URL to the address that it redirects to.",
        ),
        (
            400,
            {"url": ["Enter a valid URL."]},
            "Words. Sentry does not take the address http://localhost:8000/webhooks/sentry/hooks/1/. "
            "Set PUBLIC_URL to the https address under which Sentry reaches this app, restart and "
            "save again.",
        ),
        (400, {"events": ["?"]}, "Words."),
        (
            401,
            None,
            "Words. Sentry does not accept the installation's token although it is new. "
            f"{remedies.REINSTALL}",
        ),
        (
            403,
            {"error_type": "unavailable_feature"},
            "Words. Service hooks are not switched on for this project: on sentry.io they need the "
            "Business plan or a higher one; on a server of your own switch on the feature "
            "projects:servicehooks. Then check again.",
        ),
        (
            403,
            {"detail": "?"},
            "Words. The app lacks the permission: give it “Project: Admin” in Sentry (Settings → "
            "Developer Settings), accept it for the installation, and check again.",
        ),
        (
            404,
            None,
            "Words. Sentry finds no project “front-end” in the organization “acme” for this "
            "installation. Check both slugs, and that the app is installed in that organization.",
        ),
        (418, None, "Words."),
        (
            429,
            None,
            "Words. Sentry limits how often it may be asked; the next try waits as long as Sentry wishes.",
        ),
        (500, None, "Words. It is tried again by itself."),
        (None, None, "Words. It is tried again by itself."),
    ],
)
def test_every_answer_about_a_hook_has_its_remedy(status, body, sentence):
    assert remedies.for_hook(status, body, "Words.", **PLACE) == sentence


def test_a_refused_removal_says_what_becomes_of_the_deliveries():
    assert remedies.for_refused_removal("Words.") == (
        "Words. The app may not delete service hooks: that needs “Project: Admin”. Delete the hook in Sentry, or give "
        "the app the permission and check again. Until then its deliveries are ignored."
    )


def test_an_installation_of_another_organization_names_both():
    assert remedies.for_other_organization("acme", "nope") == (
        "The installation belongs to the Sentry organization “acme”, not to “nope”. Correct the Sentry Organization, "
        "or install the app in “nope” and paste that Installation ID."
    )

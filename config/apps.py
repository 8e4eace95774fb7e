"""Django admin, for operators: its own title, nothing else."""

from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig


class AdminConfig(DjangoAdminConfig):
    """The stock admin under the product's name."""

    default_site = "config.admin.OperatorSite"

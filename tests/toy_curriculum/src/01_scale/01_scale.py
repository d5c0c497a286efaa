# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Module 01: Scale
#
# A kitchen begins with a scale.

# %%
#| default_exp core.scale

# %%
# For the test cells below; not part of your framework.
from tito.checks import check


# %% nbgrader={"grade": false, "grade_id": "scale_grams", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def grams(kilograms: float) -> float:
    """Return the weight in grams."""
    ### BEGIN SOLUTION
    return 1000 * kilograms
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_scale_grams", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_scale_grams():
    """grams counts a thousand for each kilogram."""
    check.equal(grams(2.5), 2500.0, given="grams(2.5)", because="a kilogram has 1000 grams")


test_scale_grams()


# %% nbgrader={"grade": false, "grade_id": "scale_label", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export shop.units
def label(weight: float) -> str:
    """Return the weight as it stands on a label: "250 g"."""
    ### BEGIN SOLUTION
    return f"{weight:g} g"
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_scale_label", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
def test_scale_label():
    """label writes the number and the unit."""
    check.equal(label(250.0), "250 g", given="label(250.0)")


test_scale_label()


# %%
def test_module():
    """Both files at work."""
    test_scale_grams()
    test_scale_label()
    check.equal(label(grams(0.25)), "250 g", given="label(grams(0.25))")


test_module()

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
# # Module 02: Recipe
#
# What a dish needs, and what that costs.

# %%
#| default_exp core.recipe

# %%
#| export
from tinytorch.core.scale import grams

# %%
#| export shop.prices
from tinytorch.shop.units import label

# %%
# For the test cells below; not part of your framework.
from tito.checks import check


# %% nbgrader={"grade": false, "grade_id": "recipe_total", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export
def total(portions: int, kilograms: float) -> float:
    """Return the grams that so many portions of a weight need."""
    ### BEGIN SOLUTION
    return grams(kilograms) * portions
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_recipe_total", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
def test_recipe_total():
    """total adds up the portions."""
    check.equal(total(2, 0.25), 500.0, given="total(2, 0.25)", because="two portions of 250 g")


test_recipe_total()


# %% nbgrader={"grade": false, "grade_id": "recipe_price", "locked": false, "schema_version": 3, "solution": true, "task": false}
#| export shop.prices
def price(weight: float, each: float) -> str:
    """Return what a weight in grams costs at a price for each kilogram: "500 g: 2.00"."""
    ### BEGIN SOLUTION
    return f"{label(weight)}: {weight / 1000 * each:.2f}"
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_recipe_price", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
def test_recipe_price():
    """price names the weight and what it costs."""
    check.equal(price(500.0, 4.0), "500 g: 2.00", given="price(500.0, 4.0)")


test_recipe_price()


# %%
def test_module():
    """Both files at work."""
    test_recipe_total()
    test_recipe_price()
    check.equal(price(total(2, 0.25), 4.0), "500 g: 2.00", given="price(total(2, 0.25), 4.0)")


test_module()

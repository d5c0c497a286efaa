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
# Tests of Module 02 that learners do not see.

# %% nbgrader={"grade": true, "grade_id": "hidden_recipe_total", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
def hidden_recipe_total():
    """total depends on both arguments."""
    check.equal(total(7, 0.125), 875.0, given="total(7, 0.125)")


hidden_recipe_total()


# %% nbgrader={"grade": true, "grade_id": "hidden_recipe_price", "locked": true, "points": 0, "schema_version": 3, "solution": false, "task": false}
def hidden_recipe_price():
    """price depends on both arguments; without points of its own it guards those of the test."""
    check.equal(price(250.0, 8.0), "250 g: 2.00", given="price(250.0, 8.0)")


hidden_recipe_price()

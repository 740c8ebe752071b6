# What Doxygen is not to see; the lines stay, so that their numbers do. It finds no scope for a specialisation of a template of std, and says so.
s/^template <>$//
s/^struct std::.*//
# Who else may look inside is nobody's business outside.
s/^ *friend \(class\|struct\) .*;//

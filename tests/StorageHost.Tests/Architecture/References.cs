using System.Reflection;
using System.Reflection.Emit;

namespace StorageHost.Tests.Architecture;

/// <summary>What a compiled type refers to: in its declaration, its signatures, its attributes and the bodies of its methods.</summary>
internal static class References
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes).GetFields().Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>The members that the bodies of a type's methods name.</summary>
    public static IEnumerable<MemberInfo> Used(Type type) => Methods(type).SelectMany(Used);

    /// <summary>The types that a type refers to, in whatever way.</summary>
    public static HashSet<Type> Types(Type type)
    {
        var found = new HashSet<Type>();
        Add(found, type.BaseType, [.. type.GetInterfaces(), .. type.GetCustomAttributesData().Select(attribute => attribute.AttributeType)]);
        foreach (var field in type.GetFields(Declared))
        {
            Add(found, field.FieldType, [.. field.GetCustomAttributesData().Select(attribute => attribute.AttributeType)]);
        }

        foreach (var method in Methods(type))
        {
            AddSignature(found, method);
            Add(found, null, [.. method.GetCustomAttributesData().Select(attribute => attribute.AttributeType)]);
            Add(found, null, [.. method.GetMethodBody()?.LocalVariables.Select(local => local.LocalType) ?? []]);
            Add(found, null, [.. method.GetMethodBody()?.ExceptionHandlingClauses.Where(clause => clause.Flags == ExceptionHandlingClauseOptions.Clause).Select(clause => clause.CatchType!) ?? []]);
            foreach (var member in Used(method))
            {
                Add(found, member as Type ?? member.DeclaringType);
                Add(found, (member as FieldInfo)?.FieldType);
                if (member is MethodBase called)
                {
                    AddSignature(found, called);
                }
            }
        }

        return found;
    }

    private static IEnumerable<MethodBase> Methods(Type type) => type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared));

    private static void AddSignature(HashSet<Type> found, MethodBase method)
    {
        Add(found, (method as MethodInfo)?.ReturnType, [.. method.GetParameters().Select(parameter => parameter.ParameterType)]);
        Add(found, null, method.IsGenericMethod ? method.GetGenericArguments() : []);
    }

    private static void Add(HashSet<Type> found, Type? type, params Type[] others)
    {
        foreach (var one in others.Append(type).OfType<Type>())
        {
            if (one.HasElementType)
            {
                Add(found, one.GetElementType());
            }
            else if (!one.IsGenericParameter && found.Add(one) && one.IsGenericType)
            {
                Add(found, null, one.GetGenericArguments());
            }
        }
    }

    private static IEnumerable<MemberInfo> Used(MethodBase method)
    {
        var body = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        var (ofType, ofMethod) = (method.DeclaringType!.GetGenericArguments(), method.IsGenericMethod ? method.GetGenericArguments() : []);
        for (var at = 0; at < body.Length;)
        {
            var code = body[at] == 0xfe ? Codes[(short)(0xfe00 | body[at + 1])] : Codes[body[at]];
            at += code.Size;
            if (code.OperandType is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType)
            {
                yield return method.Module.ResolveMember(BitConverter.ToInt32(body, at), ofType, ofMethod)!;
            }

            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(body, at)),
                _ => 4,
            };
        }
    }
}
